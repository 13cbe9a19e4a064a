import { resolve } from 'node:path';
import type { RecoverResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, encryptionFrom, keyOptions, recipientOption } from '../keys';
import { backupChoiceFrom, connectionFrom, connectionOptions, type OptionValues, outputOptions, requiredOption, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';
import { UsageError } from '../usage-error';

const baseOptions = { base: { type: 'string', short: 'b' }, source: { type: 'string' }, 'server-folder': { type: 'string' }, superuser: { type: 'string' } } as const;

/** `--base newest|ID`, of the server `--source`. */
export function baseFrom(values: OptionValues) {
	const base = textOption(values, 'base') ?? 'newest';
	return base === 'newest' || base === 'latest' ? { by: 'newest' as const, source: textOption(values, 'source') } : { by: 'id' as const, id: base };
}

export function serverFolderFrom(values: OptionValues): string | undefined {
	const folder = textOption(values, 'server-folder');
	return folder === undefined ? undefined : resolve(folder);
}

export const recover: Command = {
	name: 'recover',
	summary: 'Recover a whole PostgreSQL server to a point in time, in a folder of its own.',
	usage:
		'backup-recovery recover --store FOLDER --folder TARGET [--time 2026-11-22T14:30:00+01:00 | --lsn 16/B374D848 | --restore-point NAME | --xid N | --latest] [--exclusive]\n' +
		'    [--base newest|ID] [--source NAME] [--timeline N] [--server-folder /usr/lib/postgresql/15/bin] [--superuser NAME] [--no-page-check] [--dry-run]\n' +
		'    [--prepare-only | --hand-over --host HOST --user USER --password-file FILE [--wait SECONDS]] [--identity-file FILE | --passphrase-file FILE]',
	options: {
		...storeOptions,
		...connectionOptions,
		...outputOptions,
		...keyOptions,
		...baseOptions,
		folder: { type: 'string' },
		time: { type: 'string' },
		lsn: { type: 'string' },
		'restore-point': { type: 'string' },
		xid: { type: 'string' },
		latest: { type: 'boolean' },
		exclusive: { type: 'boolean' },
		timeline: { type: 'string' },
		'no-page-check': { type: 'boolean' },
		'prepare-only': { type: 'boolean' },
		'hand-over': { type: 'boolean' },
		wait: { type: 'string' },
		'dry-run': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'postgres.recover'>(
			{
				kind: 'postgres.recover',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				base: baseFrom(values),
				target: targetFrom(values),
				inclusive: values.exclusive !== true,
				timeline: wholeNumberOption(values, 'timeline'),
				folder: resolve(requiredOption(values, 'folder')),
				destination:
					values['prepare-only'] === true ? { mode: 'prepareOnly' }
					: values['hand-over'] === true ? { mode: 'handOver', connection: await connectionFrom(values, world), waitSeconds: wholeNumberOption(values, 'wait') }
					: { mode: 'startHere', serverFolder: serverFolderFrom(values) },
				user: textOption(values, 'superuser'),
				checkPages: values['no-page-check'] !== true,
				dryRun: values['dry-run'] === true,
			},
			world.runOptions,
		);
		return { result, text: result.dryRun ? describePlan(result) : describeRecovery(result) };
	},
};

/** The one target that was given. A time without an offset could mean any of 24. */
function targetFrom(values: OptionValues) {
	const [time, lsn, name, xid] = ['time', 'lsn', 'restore-point', 'xid'].map((option) => textOption(values, option));
	const given = [time, lsn, name, xid].filter((value) => value !== undefined).length + (values.latest === true ? 1 : 0);
	if (given !== 1) throw new UsageError('Give one of --time, --lsn, --restore-point, --xid and --latest.');
	if (time !== undefined) {
		if (!/(Z|[+-]\d\d:\d\d)$/.test(time)) throw new UsageError(`--time needs an offset, e.g. ${time.slice(0, 40)}Z or ${time.slice(0, 40)}+01:00.`);
		return { by: 'time' as const, time: time.replace(' ', 'T') };
	}
	if (lsn !== undefined) return { by: 'lsn' as const, lsn };
	if (name !== undefined) return { by: 'name' as const, name };
	return xid === undefined ? { by: 'latest' as const } : { by: 'xid' as const, xid };
}

function describePlan(result: RecoverResult): string {
	const checks = renderTable(['check', 'state', 'detail'], result.checks.map((check) => [check.check, check.state, check.detail]));
	return `Nothing was changed. This is what would be done:\n\n${result.plan.map((line, i) => `${i + 1}. ${line}`).join('\n')}\n\n${checks}`;
}

function describeRecovery({ steps, reached, server, folder, databases, warnings }: RecoverResult): string {
	const table = renderTable(['step', 'seconds', 'detail'], steps.map((step) => [step.step, step.seconds.toFixed(1), step.detail]));
	const lines =
		server === null
			? [`Everything is laid out in ${folder}. Start it as a user who is not root, to whom the folder belongs: postgres -D ${folder}/data -c unix_socket_directories=${folder}`]
			: [
					`Recovered: the newest transaction is of ${reached?.lastTransactionAt ?? 'before the end of the base backup'}. Databases: ${databases.join(', ')}.`,
					`Connect with: psql -h ${server.host} -p ${server.port} -U ${server.user} ${databases[0] ?? 'postgres'}`,
					`When it is no longer needed: backup-recovery stop-recovered --folder ${folder} --remove`,
				];
	return [table, '', ...lines, ...warnings.map((warning) => `Warning: ${warning}`)].join('\n');
}

export const stopRecovered: Command = {
	name: 'stop-recovered',
	summary: 'Stop the server that "recover" started, and delete its files if wanted.',
	usage: 'backup-recovery stop-recovered --folder TARGET [--remove]',
	options: { ...outputOptions, folder: { type: 'string' }, remove: { type: 'boolean' } },
	async run(values, _positionals, world) {
		const folder = resolve(requiredOption(values, 'folder'));
		const result = await runJob<'postgres.stopRecovered'>({ kind: 'postgres.stopRecovered', folder, remove: values.remove === true }, world.runOptions);
		return { result, text: `${result.stopped ? 'The server was stopped' : 'No server was running'}${result.removed ? ', and what the recovery had laid out is deleted' : ''}.` };
	},
};

export const replaceFromRecovered: Command = {
	name: 'replace-from-recovered',
	summary: 'Put a database of a recovered server in the place of the live one, which is dumped first and kept.',
	usage:
		'backup-recovery replace-from-recovered --store FOLDER --recovered-host SOCKET-FOLDER [--recovered-port 5432] [--recovered-user NAME] [--recovered-database NAME]\n' +
		'    --database NAME --confirm NAME --host HOST --user USER --password-file FILE [--globals latest|ID] [--jobs 2] [--dry-run] [--allow-n8n-database]\n' +
		'    [--recipient age1...]... --identity-file FILE | --passphrase-file FILE: without, the two dumps that it writes into the store are not encrypted',
	options: {
		...storeOptions,
		...connectionOptions,
		...outputOptions,
		...keyOptions,
		...recipientOption,
		database: { type: 'string', short: 'd' },
		'recovered-host': { type: 'string' },
		'recovered-port': { type: 'string' },
		'recovered-user': { type: 'string' },
		'recovered-database': { type: 'string' },
		globals: { type: 'string' },
		jobs: { type: 'string' },
		confirm: { type: 'string' },
		'dry-run': { type: 'boolean' },
		'allow-n8n-database': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const connection = await connectionFrom(values, world);
		const globals = textOption(values, 'globals');
		const host = requiredOption(values, 'recovered-host');
		const decryption = await decryptionFrom(values, world);
		const encryption = encryptionFrom(values, decryption);
		const result = await runJob<'postgres.replaceFromRecovered'>(
			{
				kind: 'postgres.replaceFromRecovered',
				store: storeFrom(values, world.environment),
				encryption,
				decryption,
				connection,
				database: requiredOption(values, 'database'),
				recovered: { ...connection, host, port: wholeNumberOption(values, 'recovered-port') ?? 5432, user: textOption(values, 'recovered-user') ?? connection.user },
				recoveredDatabase: textOption(values, 'recovered-database'),
				globals: globals === undefined ? null : backupChoiceFrom(globals),
				parallelJobs: wholeNumberOption(values, 'jobs'),
				confirmation: textOption(values, 'confirm') ?? '',
				dryRun: values['dry-run'] === true,
				allowN8nDatabase: values['allow-n8n-database'] === true,
			},
			world.runOptions,
		);
		const open = encryption === null ? ['Warning: The two dumps in the store are not encrypted, because no --recipient and no passphrase was given.'] : [];
		if (result.dryRun) return { result, text: ['Nothing was changed. The plan:', ...result.plan.map((line, i) => `${i + 1}. ${line}`), ...open].join('\n') };
		const lines = [`"${result.database}" is now the recovered one.`, ...open];
		if (result.previousDatabase !== null) lines.push(`The one that was live is kept as "${result.previousDatabase}", and dumped as ${result.safetyBackup?.id ?? 'nothing'}.`);
		return { result, text: [...lines, ...result.warnings.map((warning) => `Warning: ${warning}`)].join('\n') };
	},
};
