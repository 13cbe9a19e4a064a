import { resolve } from 'node:path';
import { runJob } from '../../lib/jobs/run-job';
import { COMPONENTS } from '../../lib/catalog/component';
import { VERIFICATION_LEVELS } from '../../lib/catalog/verification';
import { FILE_COMPONENTS } from '../../lib/jobs/schema/files-jobs';
import type { Command } from '../command';
import { baseFrom, serverFolderFrom } from './recover';
import { redisConnectionFrom } from './restore-redis';
import { decryptionFrom, keyOptions } from '../keys';
import { backupChoiceFrom, choiceOption, connectionFrom, connectionOptions, type OptionValues, outputOptions, storeOptions, textOption, wholeNumberOption } from '../options';
import { storeFrom } from '../store';

/** Where a drill of files may make its throwaway folder. */
function drillFolder(values: OptionValues): string | undefined {
	const folder = textOption(values, 'folder');
	return folder === undefined ? undefined : resolve(folder);
}

export const verify: Command = {
	name: 'verify',
	summary: 'Prove a backup: its bytes, its structure, or by a restore into a throwaway database.',
	usage:
		'backup-recovery verify --store FOLDER [--backup latest|ID] [--level checksum|structure|restore] [--identity-file FILE | --passphrase-file FILE]\n' +
		'    for --level restore also: --host HOST --user USER --password-file FILE [--globals latest|ID] [--jobs 2]\n' +
		'    for --level restore of --component redis: nothing (redis-server of this machine), or --host and --port of an empty one\n' +
		'    for --level restore of a whole PostgreSQL server from base backup and WAL: --base newest|ID [--source NAME] [--folder WHERE THERE IS ROOM] [--server-folder …/bin]\n' +
		'    for --level restore of --component files|config|logs: [--folder WHERE THERE IS ROOM]',
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
		folder: { type: 'string' },
		base: { type: 'string' },
		'server-folder': { type: 'string' },
		superuser: { type: 'string' },
	},
	async run(values, _positionals, world) {
		const level = choiceOption(values, 'level', VERIFICATION_LEVELS) ?? 'structure';
		const common = {
			store: storeFrom(values, world.environment),
			decryption: await decryptionFrom(values, world),
			component: choiceOption(values, 'component', COMPONENTS) ?? ('postgres' as const),
			backup: backupChoiceFrom(textOption(values, 'backup') ?? 'latest', textOption(values, 'source')),
		};
		const globals = textOption(values, 'globals');
		const files = FILE_COMPONENTS.find((component) => component === common.component);
		const result =
			level === 'restore' && textOption(values, 'base') !== undefined
				? await runJob<'verify.recoveryDrill'>(
						{ kind: 'verify.recoveryDrill', store: common.store, decryption: common.decryption, base: baseFrom(values), folder: drillFolder(values), serverFolder: serverFolderFrom(values), user: textOption(values, 'superuser') },
						world.runOptions,
					)
			: level === 'restore' && files !== undefined
				? await runJob<'verify.filesDrill'>({ kind: 'verify.filesDrill', ...common, component: files, folder: drillFolder(values) }, world.runOptions)
			: level === 'restore' && common.component === 'redis'
				? await runJob<'verify.redisDrill'>(
						{
							kind: 'verify.redisDrill',
							store: common.store,
							decryption: common.decryption,
							backup: common.backup,
							connection: textOption(values, 'host') === undefined ? null : await redisConnectionFrom(values, world),
						},
						world.runOptions,
					)
			: level === 'restore' && common.component === 'n8n'
				? await runJob<'verify.n8nDrill'>(
						{
							kind: 'verify.n8nDrill',
							store: common.store,
							decryption: common.decryption,
							backup: common.backup,
							connection: textOption(values, 'host') === undefined ? null : await connectionFrom(values, world),
						},
						world.runOptions,
					)
			: level === 'restore'
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
