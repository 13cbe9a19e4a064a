import { resolve } from 'node:path';
import type { RestoreN8nResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, connectionFrom, connectionOptions, outputOptions, requiredOption, storeOptions, textOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

const common = { ...storeOptions, ...outputOptions, ...keyOptions, backup: { type: 'string', short: 'b' }, source: { type: 'string' } } as const;

export const restoreN8n: Command = {
	name: 'restore-n8n',
	summary: 'Make an empty, stopped n8n the one that was backed up.',
	usage:
		'backup-recovery restore-n8n --store FOLDER --data-folder FOLDER [--backup latest|latest-verified|ID] [--source NAME]\n' +
		'    [--identity-file FILE | --passphrase-file FILE] [--database-file database.sqlite] [--replace-key] [--confirm FOLDER] [--dry-run]\n' +
		'    --data-folder is the one with the files "config" and "database.sqlite", usually ~/.n8n; it is created where it is missing.\n' +
		'    Where n8n was on PostgreSQL also: --host HOST --user USER --password-file FILE --database NAME [--mode new|existing]; --confirm is that NAME then.',
	options: {
		...common,
		...connectionOptions,
		database: { type: 'string', short: 'd' },
		mode: { type: 'string' },
		'data-folder': { type: 'string' },
		'database-file': { type: 'string' },
		'replace-key': { type: 'boolean' },
		confirm: { type: 'string' },
		'dry-run': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const confirm = textOption(values, 'confirm');
		const database = textOption(values, 'database');
		const result = await runJob<'n8n.restore'>(
			{
				kind: 'n8n.restore',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
				dataFolder: resolve(requiredOption(values, 'data-folder')),
				databaseFile: textOption(values, 'database-file'),
				postgres: database === undefined ? null : { connection: await connectionFrom(values, world), database, mode: choiceOption(values, 'mode', ['new', 'existing'] as const), confirmation: confirm },
				confirmation: confirm === undefined ? '' : resolve(confirm),
				replaceKey: values['replace-key'] === true,
				dryRun: values['dry-run'] === true,
			},
			world.runOptions,
		);
		return { result, text: result.dryRun ? describePlan(result) : describeRestore(result) };
	},
};

export const exportWorkflows: Command = {
	name: 'export-workflows',
	summary: 'Write workflows of a backup of n8n as the JSON files that n8n imports.',
	usage:
		'backup-recovery export-workflows --store FOLDER --to FOLDER [ID OR NAME ...] [--backup latest|latest-verified|ID] [--source NAME]\n' +
		'    [--identity-file FILE | --passphrase-file FILE]\n' +
		'    Without ids or names all workflows are written; nothing in the folder is overwritten.',
	options: { ...common, to: { type: 'string' } },
	async run(values, positionals, world) {
		const result = await runJob<'n8n.exportWorkflows'>(
			{
				kind: 'n8n.exportWorkflows',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
				folder: resolve(requiredOption(values, 'to')),
				workflows: positionals,
			},
			world.runOptions,
		);
		return { result, text: renderTable(['id', 'name', 'file'], result.workflows.map(({ id, name, file }) => [id, name, file])) };
	},
};

function describePlan(result: RestoreN8nResult): string {
	const checks = renderTable(['check', 'state', 'detail'], result.checks.map((check) => [check.check, check.state, check.detail]));
	return `Nothing was changed. This is what would be done with ${result.backup.id}:\n\n${result.plan.map((line, i) => `${i + 1}. ${line}`).join('\n')}\n\n${checks}`;
}

function describeRestore(result: RestoreN8nResult): string {
	const steps = renderTable(['step', 'seconds', 'detail'], result.steps.map((step) => [step.step, step.seconds.toFixed(1), step.detail]));
	const lines = [`Restored ${result.backup.id} into ${result.dataFolder}.`];
	for (const path of result.kept) lines.push(`What was there before is kept as ${path}.`);
	for (const warning of result.warnings) lines.push(`To do: ${warning}`);
	return `${steps}\n\n${lines.join('\n')}`;
}
