import { resolve } from 'node:path';
import { FILE_COMPONENTS } from '../../lib/jobs/schema/files-jobs';
import type { RestoreFilesResult } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, outputOptions, requiredOption, storeOptions, textOption } from '../options';
import { storeFrom } from '../store';
import { renderTable } from '../table';

export const restoreFiles: Command = {
	name: 'restore-files',
	summary: 'Restore files: into a new folder, or in place with what is replaced kept.',
	usage:
		'backup-recovery restore-files --store FOLDER --folder TARGET [--component files|config|logs] [--backup latest|latest-verified|ID] [--source NAME]\n' +
		'    [--in-place --confirm NAME] [--overwrite never|older|always] [--remove-unknown] [--include PATTERN]... [--exclude PATTERN]...\n' +
		'    [--suffix .restored] [--owner numbers|names|none] [--dry-run] [--identity-file FILE | --passphrase-file FILE]',
	options: {
		...storeOptions,
		...outputOptions,
		...keyOptions,
		folder: { type: 'string' },
		component: { type: 'string' },
		backup: { type: 'string', short: 'b' },
		source: { type: 'string' },
		'in-place': { type: 'boolean' },
		confirm: { type: 'string' },
		overwrite: { type: 'string' },
		'remove-unknown': { type: 'boolean' },
		include: { type: 'string', multiple: true },
		exclude: { type: 'string', multiple: true },
		suffix: { type: 'string' },
		owner: { type: 'string' },
		'dry-run': { type: 'boolean' },
	},
	async run(values, _positionals, world) {
		const result = await runJob<'files.restore'>(
			{
				kind: 'files.restore',
				store: storeFrom(values, world.environment),
				decryption: await decryptionFrom(values, world),
				component: choiceOption(values, 'component', FILE_COMPONENTS),
				backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
				folder: resolve(requiredOption(values, 'folder')),
				mode: values['in-place'] === true ? 'inPlace' : 'beside',
				include: texts(values.include),
				exclude: texts(values.exclude),
				overwrite: choiceOption(values, 'overwrite', ['never', 'older', 'always'] as const),
				suffix: textOption(values, 'suffix'),
				removeUnknown: values['remove-unknown'] === true,
				owner: choiceOption(values, 'owner', ['numbers', 'names', 'none'] as const),
				dryRun: values['dry-run'] === true,
				confirmation: textOption(values, 'confirm') ?? '',
			},
			world.runOptions,
		);
		return { result, text: result.dryRun ? describePlan(result) : describeRestore(result) };
	},
};

function texts(value: unknown): string[] {
	return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function describePlan(result: RestoreFilesResult): string {
	const checks = renderTable(['check', 'state', 'detail'], result.checks.map((check) => [check.check, check.state, check.detail]));
	return `Nothing was changed. This is what would be done with ${result.backup.id}:\n\n${result.plan.map((line, i) => `${i + 1}. ${line}`).join('\n')}\n\n${checks}`;
}

function describeRestore(result: RestoreFilesResult): string {
	const steps = renderTable(['step', 'seconds', 'detail'], result.steps.map((step) => [step.step, step.seconds.toFixed(1), step.detail]));
	const { create, replace, same, keep } = result.files;
	const lines = [`Restored ${result.backup.id} into ${result.folder}: ${create} new, ${replace} replaced, ${same} equal already, ${keep} left as they were.`];
	if (result.keptFolder !== null) lines.push(`What was replaced is kept in ${result.keptFolder}.`);
	for (const warning of result.warnings) lines.push(`Warning: ${warning}`);
	return `${steps}\n\n${lines.join('\n')}`;
}
