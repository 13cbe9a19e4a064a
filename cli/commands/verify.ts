import { runJob } from '../../lib/jobs/run-job';
import { COMPONENTS } from '../../lib/catalog/component';
import { VERIFICATION_LEVELS } from '../../lib/catalog/verification';
import type { Command } from '../command';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, connectionFrom, connectionOptions, outputOptions, storeFrom, storeOptions, textOption, wholeNumberOption } from '../options';

export const verify: Command = {
	name: 'verify',
	summary: 'Prove a backup: its bytes, its structure, or by a restore into a throwaway database.',
	usage:
		'backup-recovery verify --store FOLDER [--backup latest|ID] [--level checksum|structure|restore] [--identity-file FILE | --passphrase-file FILE]\n' +
		'    for --level restore also: --host HOST --user USER --password-file FILE [--globals latest|ID] [--jobs 2]',
	options: {
		...storeOptions,
		...connectionOptions,
		...outputOptions,
		...keyOptions,
		component: { type: 'string' },
		source: { type: 'string' },
		backup: { type: 'string', short: 'b' },
		level: { type: 'string' },
		globals: { type: 'string' },
		jobs: { type: 'string' },
	},
	async run(values, _positionals, world) {
		const level = choiceOption(values, 'level', VERIFICATION_LEVELS) ?? 'structure';
		const common = {
			store: storeFrom(values),
			decryption: await decryptionFrom(values, world),
			component: choiceOption(values, 'component', COMPONENTS) ?? ('postgres' as const),
			backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
		};
		const globals = textOption(values, 'globals');
		const result =
			level === 'restore'
				? await runJob<'verify.restoreDrill'>(
						{
							kind: 'verify.restoreDrill',
							...common,
							connection: await connectionFrom(values, world),
							parallelJobs: wholeNumberOption(values, 'jobs') ?? 2,
							globals: globals === undefined ? null : backupChoiceFrom(globals),
						},
						world.runOptions,
					)
				: await runJob<'verify.integrity'>(
						{ kind: 'verify.integrity', ...common, level, clientFolder: textOption(values, 'client-folder') ?? '' },
						world.runOptions,
					);
		return { result, text: `${result.backup.id} passed at level "${result.level}" in ${result.durationSeconds.toFixed(1)} s: ${result.detail}` };
	},
};
