import { parseArgs } from 'node:util';
import { toBackupError } from '../lib/core/errors';
import type { Command } from './command';
import { breakGlassKit } from './commands/break-glass-kit';
import { check } from './commands/check';
import { compareDatabases } from './commands/compare-databases';
import { copy } from './commands/copy';
import { crossCheck } from './commands/cross-check';
import { applyPatch, diffRows, findIncident } from './commands/incident';
import { forgetSchedule, forgetSeries } from './commands/forget';
import { list } from './commands/list';
import { exportWorkflows, restoreN8n } from './commands/n8n';
import { recordPoint, recoveryPoints } from './commands/recovery-points';
import { recoveries } from './commands/recoveries';
import { recover, replaceFromRecovered, stopRecovered } from './commands/recover';
import { restore } from './commands/restore';
import { restoreAll } from './commands/restore-all';
import { restoreRedis } from './commands/restore-redis';
import { restoreFiles } from './commands/restore-files';
import { run } from './commands/run';
import { dropPrevious, fence, undoSwap, unfence } from './commands/swap-back';
import { verify } from './commands/verify';
import { copyWal, pruneWal, walContinuity } from './commands/wal';
import { progressBar } from './progress-bar';
import { STORE_USAGE } from './store';
import { printable } from './table';
import { UsageError } from './usage-error';

export interface MainWorld {
	readonly environment: NodeJS.ProcessEnv;
	readonly stdin: NodeJS.ReadableStream;
	readonly stdout: NodeJS.WriteStream;
	readonly stderr: NodeJS.WriteStream;
	readonly signal: AbortSignal;
	/** The compiled worker, for tests that run from source. */
	readonly workerModule?: string;
}

/** In the order in which they are shown. */
export const commands: readonly Command[] = [
	list,
	check,
	forgetSeries,
	forgetSchedule,
	verify,
	copy,
	recordPoint,
	recoveryPoints,
	recoveries,
	crossCheck,
	walContinuity,
	pruneWal,
	copyWal,
	compareDatabases,
	restoreAll,
	restore,
	restoreRedis,
	restoreFiles,
	undoSwap,
	dropPrevious,
	fence,
	unfence,
	recover,
	stopRecovered,
	replaceFromRecovered,
	findIncident,
	diffRows,
	applyPatch,
	restoreN8n,
	exportWorkflows,
	breakGlassKit,
	run,
];

/**
 * The command line. With `--json` each progress event and the outcome is one line of JSON on standard output.
 * @returns the exit code: 0 done (`check`: what it found), 1 the job failed, 2 the command line is wrong (`check`: 3 for both), 130 cancelled
 */
export async function main(args: string[], world: MainWorld): Promise<number> {
	const [name, ...rest] = args;
	if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
		world.stdout.write(overview());
		return name === undefined ? 2 : 0;
	}
	const command = commands.find((candidate) => candidate.name === name);
	if (command === undefined) {
		world.stderr.write(`There is no command "${printable(name)}".\n\n${overview()}`);
		return 2;
	}
	const json = rest.includes('--json');
	const bar = progressBar(world.stderr);
	const line = (value: object) => world.stdout.write(`${JSON.stringify(value)}\n`);
	try {
		const { values, positionals } = parse(command, rest);
		if (values.help === true) {
			const store = 'store' in command.options ? `    ${STORE_USAGE}\n` : '';
			world.stdout.write(`${command.summary}\n\n${command.usage}\n${store}`);
			return 0;
		}
		const outcome = await command.run(values, positionals, {
			environment: world.environment,
			stdin: world.stdin,
			warn: (message) => world.stderr.write(`Warning: ${message}\n`),
			runOptions: {
				signal: world.signal,
				workerModule: world.workerModule,
				onProgress: (event) => (json ? line({ progress: event }) : bar.report(event)),
			},
		});
		bar.clear();
		if (json) line({ result: outcome.result });
		else world.stdout.write(`${outcome.text}\n`);
		return outcome.exitCode ?? 0;
	} catch (error) {
		bar.clear();
		return reportFailure(error, command, world, json ? line : undefined);
	}
}

function parse(command: Command, args: string[]) {
	try {
		return parseArgs({ args, options: command.options, allowPositionals: true, strict: true });
	} catch (error) {
		throw new UsageError((error as Error).message);
	}
}

function reportFailure(error: unknown, command: Command, world: MainWorld, line: ((value: object) => void) | undefined): number {
	if (error instanceof UsageError) {
		world.stderr.write(`${printable(error.message)}\n\n${command.usage}\n`);
		return command.failureExitCode ?? 2;
	}
	const failure = toBackupError(error);
	if (line !== undefined) line({ error: failure.toJSON() });
	else world.stderr.write(`${failure.code}: ${printable(failure.message)}\n${printable(failure.hint)}\n`);
	return failure.code === 'CANCELLED' ? 130 : (command.failureExitCode ?? 1);
}

function overview(): string {
	const width = Math.max(...commands.map((command) => command.name.length));
	const rows = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`).join('\n');
	return `backup-recovery: back up, prove and restore without n8n.\n\n${rows}\n\n"backup-recovery COMMAND --help" shows a command's options.\nPasswords come from --password-file, --password-stdin or PGPASSWORD, never from a flag.\n`;
}
