import { resolve } from 'node:path';
import { runJob } from '../../lib/jobs/run-job';
import type { FindIncidentResult, RowDiffResult } from '../../lib/jobs/results';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { connectionFrom, connectionOptions, type OptionValues, outputOptions, requiredOption, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';
import { UsageError } from '../usage-error';
import { baseFrom, serverFolderFrom } from './recover';

export const findIncident: Command = {
	name: 'find-incident',
	summary: 'Find the transaction that did the damage, by asking throwaway recoveries.',
	usage:
		"backup-recovery find-incident --store FOLDER --folder EMPTY-FOLDER --database NAME --damaged \"SELECT count(*) > 100 FROM customers WHERE email = ''\"\n" +
		'    [--from 2026-11-22T12:00:00+01:00] [--to 2026-11-22T14:00:00+01:00] [--most-recoveries 12] [--base newest|ID] [--source NAME] [--timeline N]\n' +
		'    [--server-folder /usr/lib/postgresql/15/bin] [--superuser NAME] [--identity-file FILE | --passphrase-file FILE]',
	options: {
		...storeOptions,
		...outputOptions,
		...keyOptions,
		base: { type: 'string', short: 'b' },
		source: { type: 'string' },
		'server-folder': { type: 'string' },
		superuser: { type: 'string' },
		timeline: { type: 'string' },
		folder: { type: 'string' },
		database: { type: 'string', short: 'd' },
		damaged: { type: 'string' },
		from: { type: 'string' },
		to: { type: 'string' },
		'most-recoveries': { type: 'string' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'postgres.findIncident'>(
			{
				kind: 'postgres.findIncident',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				base: baseFrom(values),
				timeline: wholeNumberOption(values, 'timeline'),
				from: momentOption(values, 'from'),
				to: momentOption(values, 'to'),
				question: { database: requiredOption(values, 'database'), sql: requiredOption(values, 'damaged') },
				folder: resolve(requiredOption(values, 'folder')),
				serverFolder: serverFolderFrom(values),
				user: textOption(values, 'superuser'),
				mostRecoveries: wholeNumberOption(values, 'most-recoveries'),
			},
			world.runOptions,
		);
		return { result, text: describeIncident(result) };
	},
};

export const diffRows: Command = {
	name: 'row-diff',
	summary: 'Write a patch that brings back the rows that an incident changed, and keeps what came later.',
	usage:
		'backup-recovery row-diff --database NAME --host HOST --user USER --password-file FILE --before-host SOCKET-FOLDER --after-host SOCKET-FOLDER --patch FILE\n' +
		'    [--before-port 5432] [--before-user NAME] [--after-port 5432] [--after-user NAME] [--recovered-database NAME] [--table schema.table ...]',
	options: {
		...connectionOptions,
		...outputOptions,
		database: { type: 'string', short: 'd' },
		'before-host': { type: 'string' },
		'before-port': { type: 'string' },
		'before-user': { type: 'string' },
		'after-host': { type: 'string' },
		'after-port': { type: 'string' },
		'after-user': { type: 'string' },
		'recovered-database': { type: 'string' },
		table: { type: 'string', multiple: true },
		patch: { type: 'string' },
	},
	async run(values, _positionals, world) {
		const connection = await connectionFrom(values, world);
		const database = requiredOption(values, 'database');
		const recovered = (which: 'before' | 'after') => ({
			connection: { ...connection, host: requiredOption(values, `${which}-host`), port: wholeNumberOption(values, `${which}-port`) ?? 5432, user: textOption(values, `${which}-user`) ?? connection.user },
			database: textOption(values, 'recovered-database') ?? database,
		});
		const tables = Array.isArray(values.table) ? values.table.filter((name) => typeof name === 'string') : [];
		const result = await runJob<'postgres.diffRows'>({ kind: 'postgres.diffRows', before: recovered('before'), after: recovered('after'), live: { connection, database }, tables, patchFile: resolve(requiredOption(values, 'patch')) }, world.runOptions);
		return { result, text: describeDiff(result) };
	},
};

export const applyPatch: Command = {
	name: 'apply-patch',
	summary: 'Apply a patch of rows that "row-diff" wrote: all of it, or nothing.',
	usage: 'backup-recovery apply-patch --patch FILE --database NAME --confirm NAME --host HOST --user USER --password-file FILE [--sha256 DIGEST] [--dry-run]',
	options: {
		...connectionOptions,
		...outputOptions,
		database: { type: 'string', short: 'd' },
		patch: { type: 'string' },
		sha256: { type: 'string' },
		confirm: { type: 'string' },
		'dry-run': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'postgres.applyPatch'>(
			{
				kind: 'postgres.applyPatch',
				connection: await connectionFrom(values, world),
				database: requiredOption(values, 'database'),
				patchFile: resolve(requiredOption(values, 'patch')),
				sha256: textOption(values, 'sha256'),
				confirmation: textOption(values, 'confirm') ?? '',
				dryRun: values['dry-run'] === true,
			},
			world.runOptions,
		);
		return { result, text: result.sentence };
	},
};

function momentOption(values: OptionValues, name: string): string | undefined {
	const time = textOption(values, name);
	if (time !== undefined && !/(Z|[+-]\d\d:\d\d)$/.test(time)) throw new UsageError(`--${name} needs an offset, e.g. ${time.slice(0, 40)}Z or ${time.slice(0, 40)}+01:00.`);
	return time?.replace(' ', 'T');
}

function describeIncident({ asked, sentence, target }: FindIncidentResult): string {
	const table = renderTable(['asked', 'answer', 'recovery'], asked.map(({ at, before, damaged, recovery }) => [`${before ? 'before ' : ''}${at}`, damaged ? 'DAMAGED' : 'well', String(recovery)]));
	return [table, '', sentence, `Just before it: backup-recovery recover --lsn ${target.lsn} --exclusive …`, `Just after it: backup-recovery recover --lsn ${target.lsn} …`].join('\n');
}

function describeDiff({ tables, keptRows, notes, patch, sentence }: RowDiffResult): string {
	const table = renderTable(['table', 'insert', 'update', 'delete', 'left'], tables.map((each) => [each.table, String(each.inserts), String(each.updates), String(each.deletes), String(each.kept)]));
	const kept = keptRows.map((row) => `Left as it is (${row.why}): ${row.table} ${JSON.stringify(row.key)}, ${row.columns.join(', ')}.`);
	const next = patch === null ? [] : [`The patch: ${patch.file} (SHA-256 ${patch.sha256}). Read it, then: backup-recovery apply-patch --patch ${patch.file} --sha256 ${patch.sha256} …`];
	return [table, ...kept, ...notes, sentence, ...next].join('\n');
}
