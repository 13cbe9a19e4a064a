import { VERIFICATION_LEVELS } from '../../lib/catalog/verification';
import type { RestoreResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, connectionFrom, connectionOptions, outputOptions, requiredOption, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const restore: Command = {
	name: 'restore',
	summary: 'Restore a database: beside the live one and swapped in when proven, or as a new one.',
	usage:
		'backup-recovery restore --store FOLDER --database NAME --host HOST --user USER --password-file FILE\n' +
		'    [--backup latest|latest-verified|ID] [--source DATABASE, default: NAME] [--mode new|existing|swap] [--confirm NAME] [--globals latest|ID]\n' +
		'    [--minimum none|checksum|structure|restore] [--jobs 2] [--dry-run] [--allow-n8n-database]\n' +
		'    [--identity-file FILE | --passphrase-file FILE]',
	options: {
		...storeOptions,
		...connectionOptions,
		...outputOptions,
		...keyOptions,
		database: { type: 'string', short: 'd' },
		backup: { type: 'string', short: 'b' },
		source: { type: 'string' },
		mode: { type: 'string' },
		confirm: { type: 'string' },
		globals: { type: 'string' },
		minimum: { type: 'string' },
		jobs: { type: 'string' },
		'dry-run': { type: 'boolean' },
		'allow-n8n-database': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const globals = textOption(values, 'globals');
		const database = requiredOption(values, 'database');
		const result = await runJob<'postgres.restoreDatabase'>(
			{
				kind: 'postgres.restoreDatabase',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				connection: await connectionFrom(values, world),
				backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source') ?? database),
				target: { mode: choiceOption(values, 'mode', ['new', 'existing', 'swap'] as const) ?? 'new', database },
				parallelJobs: wholeNumberOption(values, 'jobs') ?? 2,
				minimumVerification: choiceOption(values, 'minimum', ['none', ...VERIFICATION_LEVELS] as const) ?? 'none',
				globals: globals === undefined ? null : backupChoiceFrom(globals),
				dryRun: values['dry-run'] === true,
				confirmation: textOption(values, 'confirm') ?? '',
				allowN8nDatabase: values['allow-n8n-database'] === true,
			},
			world.runOptions,
		);
		return { result, text: result.dryRun ? describePlan(result) : describeRestore(result) };
	},
};

function describePlan(result: RestoreResult): string {
	const checks = renderTable(['check', 'state', 'detail'], result.checks.map((check) => [check.check, check.state, check.detail]));
	return `Nothing was changed. This is what would be done with ${result.backup.id}:\n\n${result.plan.map((line, i) => `${i + 1}. ${line}`).join('\n')}\n\n${checks}`;
}

function describeRestore(result: RestoreResult): string {
	const steps = renderTable(['step', 'seconds', 'detail'], result.steps.map((step) => [step.step, step.seconds.toFixed(1), step.detail]));
	const equal = result.comparison.filter((table) => table.equal).length;
	const lines = [`Restored ${result.backup.id} into ${result.database}: ${equal} of ${result.comparison.length} tables equal to the proof.`];
	if (result.previousDatabase !== null) lines.push(`The database that was live before is kept as ${result.previousDatabase}.`);
	if (result.outageMilliseconds !== null) lines.push(`Clients could not connect for ${result.outageMilliseconds} ms.`);
	for (const warning of result.warnings) lines.push(`Warning: ${warning}`);
	return `${steps}\n\n${lines.join('\n')}`;
}
