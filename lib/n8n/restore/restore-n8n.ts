import { mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkKeys } from '../../backup/check-keys';
import { withBackupInUse } from '../../backup/use-backup';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { throwIfAborted } from '../../core/errors';
import { type RestoreCheck, StepRecorder } from '../../core/steps';
import { throwIfFailed } from '../../core/throw-if-failed';
import { ARTIFACTS, optionalArtifact, requiredArtifact } from '../artifacts';
import { fetchArtifact, fetchSettings } from '../fetch-artifact';
import { describeInspection, proveSqlite, requiredDetails } from '../prove-sqlite';
import { SETTINGS_NAME } from '../settings-file';
import type { RestoreN8nOptions, RestoreN8nResult } from './options';
import { giveToOwner, putInPlace, type Staged } from './put-in-place';
import { restorePostgres } from './restore-postgres';
import { stageBinaryData } from './stage-binary-data';
import { checkTargetFolder, readTargetFolder, type TargetFolder } from './target-folder';

/**
 * Makes an empty n8n the one that was backed up: database, encryption key, and binary data where the backup holds them. Everything is written
 * beside what is there, proven (all of the database is parsed, rows counted, every credential opened with the key) and only then renamed into place.
 * @throws BackupError; the folder is as it was then
 */
export async function restoreN8n(options: RestoreN8nOptions, context: JobContext): Promise<RestoreN8nResult> {
	const steps = new StepRecorder(context.progress);
	const found = await steps.run(
		'Find the backup',
		async () => await findBackup(options.store, { component: 'n8n', choice: options.backup }),
		({ summary }) => `${summary.id}: ${summary.source}, ${summary.startedAt}, ${summary.sourceBytes} bytes.`,
	);
	return await withBackupInUse(options.store, context, found.manifest, async (signal) => await restoreFound(options, found, { ...context, signal }, steps));
}

async function restoreFound(options: RestoreN8nOptions, found: FoundBackup, context: JobContext, steps: StepRecorder): Promise<RestoreN8nResult> {
	const { manifest } = found;
	const onPostgres = sourceOf(manifest, 'n8n').database === 'postgres';
	for (const missing of await checkKeys(options.store, manifest, context)) throwIfFailed([missing], `Backup ${manifest.id} was not restored`);
	const settings = await steps.run('Read the encryption key', async () => await fetchSettings(options.store, manifest, context), () => 'The backup holds it.');
	const target = await readTargetFolder(options, onPostgres);
	const checks = await steps.run(
		'Check',
		async () => [checkState(found), ...(await checkTargetFolder(options, target, manifest, settings.encryptionKey))],
		(made) => `${made.length} points were checked.`,
	);
	const details = requiredDetails(manifest);
	const result = (rest: Pick<RestoreN8nResult, 'plan' | 'kept' | 'warnings'>): RestoreN8nResult => ({
		dryRun: options.dryRun,
		backup: found.summary,
		dataFolder: options.dataFolder,
		database: onPostgres ? (options.postgres?.database ?? '') : target.databasePath,
		checks: checks.map(({ check, state, detail, hint }) => ({ check, state, detail, ...(hint === undefined ? {} : { hint }) })),
		steps: steps.steps,
		counts: details.counts,
		communityPackages: details.communityPackages,
		...rest,
	});
	const restoreDatabase = async () => await restorePostgres(options, found, settings.encryptionKey, context, steps);
	if (options.dryRun) {
		const database = onPostgres ? await restoreDatabase() : undefined;
		checks.push(...(database?.checks ?? []));
		return result({ plan: [...(database?.plan ?? []), ...planOf(options, target, found, settings.encryptionKey)], kept: [], warnings: [] });
	}
	throwIfFailed(checks, `Backup ${manifest.id} was not restored`);

	if (!target.exists) {
		await mkdir(options.dataFolder, { mode: 0o700 });
		await giveToOwner(options.dataFolder, target.owner);
	}
	// In the data folder itself, because only there renaming is one step.
	const stage = await mkdtemp(join(options.dataFolder, '.restore-'));
	try {
		const staged = await stageFiles({ options, found, target, settings, stage }, context, steps);
		const database = onPostgres ? await restoreDatabase() : undefined;
		throwIfAborted(context.signal);
		const stamp = context.now().toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
		const kept = await steps.run(
			'Put in place',
			async () => await putInPlace(options.dataFolder, target, staged, stamp),
			(paths) => (paths.length === 0 ? 'Nothing was there before.' : `Kept from before: ${paths.join(', ')}.`),
		);
		return result({ plan: [], kept, warnings: [...(database?.warnings ?? []), ...afterwards(found)] });
	} finally {
		await rm(stage, { recursive: true, force: true });
		if (!target.exists) await removeIfEmpty(options.dataFolder);
	}
}

interface StageRequest {
	readonly options: RestoreN8nOptions;
	readonly found: FoundBackup;
	readonly target: TargetFolder;
	readonly settings: { readonly encryptionKey: string };
	readonly stage: string;
}

async function stageFiles({ options, found, target, settings, stage }: StageRequest, context: JobContext, steps: StepRecorder): Promise<Staged> {
	const { store, dataFolder } = options;
	const { manifest } = found;
	const database = sourceOf(manifest, 'n8n').database === 'sqlite' ? await stageSqlite({ options, found, target, settings, stage }, context, steps) : undefined;

	let settingsFile: string | undefined;
	if (target.key !== settings.encryptionKey) {
		settingsFile = join(stage, SETTINGS_NAME);
		await writeFile(settingsFile, `${JSON.stringify(settings, null, '\t')}\n`, { mode: 0o600, flag: 'wx', flush: true });
		await giveToOwner(settingsFile, target.owner);
	}
	const archive = optionalArtifact(manifest, ARTIFACTS.binary.role);
	const binary =
		archive === undefined
			? undefined
			: await steps.run('Unpack binary data', async () => await stageBinaryData({ store, manifest, archive, stage, dataFolder, owner: target.owner }, context), ({ files }) => `${files} files.`);
	return { database, settings: settingsFile, binary };
}

async function stageSqlite({ options, found, target, settings, stage }: StageRequest, context: JobContext, steps: StepRecorder): Promise<string> {
	const { manifest } = found;
	const database = join(stage, 'database');
	const artifact = requiredArtifact(manifest, ARTIFACTS.sqlite);
	await steps.run('Read the database', async () => await fetchArtifact(options.store, manifest, artifact, database, context), () => 'Every byte is as it was written.');
	await steps.run('Check and compare', async () => await proveSqlite(database, manifest, settings.encryptionKey, context.signal), (inspection) => `${describeInspection(inspection)}: as backed up.`);
	await giveToOwner(database, target.owner);
	return database;
}

function checkState({ summary }: FoundBackup): RestoreCheck {
	const check = 'Backup';
	if (summary.status === 'damaged') return { check, state: 'failed', code: 'ARTIFACT_DAMAGED', detail: `Backup ${summary.id} is damaged. ${summary.problem ?? ''}`.trim(), hint: 'Choose another backup.' };
	const verified = summary.verified ? `verified (${summary.verified.level})` : 'not verified before; it is checked now';
	return { check, state: 'passed', detail: `${summary.id} is ${verified}.` };
}

function planOf({ dataFolder }: RestoreN8nOptions, target: TargetFolder, { manifest }: FoundBackup, key: string): string[] {
	const { communityPackages, binaryFiles } = requiredDetails(manifest);
	return [
		...(target.exists ? [] : [`Create ${dataFolder}`]),
		...(sourceOf(manifest, 'n8n').database === 'postgres' ? ['Open every credential in it with the key of the backup'] : ['Restore the database beside, parse all of it, count its rows and open every credential with the key of the backup']),
		...(binaryFiles === null ? [] : [`Unpack ${binaryFiles} files of binary data`]),
		...(target.hasDatabase ? [`Set ${target.databasePath} aside under another name`] : []),
		...(sourceOf(manifest, 'n8n').database === 'postgres' ? [] : [`Give the restored database the name ${target.databasePath}`]),
		...(target.key === key ? [] : [`Write the encryption key to ${join(dataFolder, SETTINGS_NAME)}${target.key === undefined ? '' : ', and keep the old file'}`]),
		...afterwards({ manifest }),
		...(communityPackages.length === 0 ? [] : [`Install again: ${communityPackages.map(({ name, version }) => `${name}@${version}`).join(', ')}`]),
	];
}

/** What a person must do when the files are in place. */
function afterwards({ manifest }: Pick<FoundBackup, 'manifest'>): string[] {
	const { version } = sourceOf(manifest, 'n8n');
	const { communityPackages, migrations } = requiredDetails(manifest);
	return [
		`Start n8n ${version === 'unknown' ? `that knows the migration ${migrations.newest}` : version} or newer. Where N8N_ENCRYPTION_KEY is set for it, it must be the key in the file "config".`,
		...(communityPackages.length === 0 ? [] : ['Community packages are not in the backup: start n8n once with N8N_REINSTALL_MISSING_PACKAGES=true, or install them under Settings > Community nodes.']),
	];
}

/** A folder that was made for a restore that failed goes again. */
async function removeIfEmpty(folder: string): Promise<void> {
	if ((await readdir(folder)).length === 0) await rmdir(folder);
}
