import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Decryption } from '../../lib/core/keys';
import { BackupError } from '../../lib/core/errors';
import { type RunJobOptions, runJob } from '../../lib/jobs/run-job';
import type { CheckResult } from '../../lib/jobs/results';
import { describeConnection } from '../../lib/redis/connection-settings';
import type { StoreLocationInput } from '../../lib/storage/location';
import type { Stage } from './stages';
import type { Targets } from './targets';

export interface StageWorld {
	readonly store: StoreLocationInput;
	readonly decryption: Decryption | null;
	readonly targets: Targets;
	readonly runOptions: RunJobOptions;
}

/** `plan`: look only. `first`: into an empty place. `again`: an earlier attempt was interrupted in this stage. */
export type Attempt = 'plan' | 'first' | 'again';

export interface StageOutcome {
	readonly detail: string;
	readonly checks: readonly CheckResult[];
	readonly warnings: readonly string[];
}

/** Looks at what a stage would do, or does it. Nothing that is there already is overwritten but by the same stage's earlier attempt. */
export async function runStage(stage: Stage, attempt: Attempt, world: StageWorld): Promise<StageOutcome> {
	switch (stage.component) {
		case 'postgres':
			return await restoreDatabase(stage, attempt, world);
		case 'redis':
			return await restoreRedis(stage, attempt, world);
		case 'files':
		case 'config':
		case 'logs':
			return await restoreFolder(stage, attempt, world);
		case 'n8n':
			return await restoreN8n(stage, attempt, world);
	}
}

/**
 * Whether the place of a stage that failed is as empty as it was found. Then nothing of it has to be gone on with, and whatever lies there at the next
 * attempt is somebody else's. Only the place is asked: the store may be what failed.
 */
export async function isUntouched(stage: Stage, { targets, runOptions }: StageWorld): Promise<boolean> {
	switch (stage.component) {
		case 'postgres': {
			const connection = targets.postgres?.connection;
			return connection !== undefined && !(await answerOf(async () => (await runJob<'postgres.listDatabases'>({ kind: 'postgres.listDatabases', connection }, runOptions)).databases.includes(stage.database), true));
		}
		case 'redis': {
			const connection = targets.redis[stage.at]?.connection;
			return connection !== undefined && (await answerOf(async () => (await runJob<'redis.testConnection'>({ kind: 'redis.testConnection', connection }, runOptions)).keys === 0, false));
		}
		case 'files':
		case 'config':
		case 'logs':
			return !(await isFilled(stage.folder));
		case 'n8n': {
			const folder = targets.n8n[stage.at]?.dataFolder;
			return folder !== undefined && !(await isFilled(folder));
		}
	}
}

/** Its answer, or `otherwise` where the server cannot be asked. */
async function answerOf(question: () => Promise<boolean>, otherwise: boolean): Promise<boolean> {
	try {
		return await question();
	} catch (error) {
		if (error instanceof BackupError) return otherwise;
		throw error;
	}
}

type StageOf<C extends Stage['component']> = Extract<Stage, { component: C }>;

async function restoreDatabase({ backup, database, globals }: StageOf<'postgres'>, attempt: Attempt, { store, decryption, targets, runOptions }: StageWorld): Promise<StageOutcome> {
	const connection = targets.postgres?.connection;
	if (connection === undefined) throw new BackupError('INVALID_INPUT', 'The targets file names no PostgreSQL server.', 'Add "postgres".');
	if (attempt === 'again') {
		// A database gets its name as the last thing, once its contents are proven, and the first attempt began with no such database.
		const { databases } = await runJob<'postgres.listDatabases'>({ kind: 'postgres.listDatabases', connection }, runOptions);
		if (databases.includes(database)) return { detail: `"${database}" was already in place, proven, when the earlier attempt was interrupted.`, checks: [], warnings: [] };
	}
	const result = await runJob<'postgres.restoreDatabase'>(
		{
			kind: 'postgres.restoreDatabase',
			store,
			decryption,
			connection,
			backup: { by: 'id', id: backup },
			target: { mode: 'new', database },
			globals: globals === null ? null : { by: 'id', id: globals },
			parallelJobs: targets.postgres?.parallelJobs,
			dryRun: attempt === 'plan',
			allowN8nDatabase: true,
		},
		runOptions,
	);
	const equal = result.comparison.filter((table) => table.equal).length;
	return { detail: attempt === 'plan' ? `into a new database "${database}"` : `"${database}": ${equal} of ${result.comparison.length} tables equal to the proof`, checks: result.checks, warnings: result.warnings };
}

async function restoreRedis({ backup, at }: StageOf<'redis'>, attempt: Attempt, { store, decryption, targets, runOptions }: StageWorld): Promise<StageOutcome> {
	const connection = targets.redis[at]?.connection ?? null;
	if (connection === null) throw new BackupError('INVALID_INPUT', 'The targets file names no such Redis.', 'Add it to "redis".');
	const place = describeConnection(connection);
	const empty = attempt === 'plan' ? await emptyRedis(connection, place, runOptions) : undefined;
	const result = await runJob<'redis.restore'>(
		{
			kind: 'redis.restore',
			store,
			decryption,
			connection,
			backup: { by: 'id', id: backup },
			target: { mode: 'keys', existing: attempt === 'again' ? 'overwrite' : 'keep' },
			dryRun: attempt === 'plan',
			confirmation: attempt === 'again' ? confirmationOf(connection, place) : '',
		},
		runOptions,
	);
	return { detail: attempt === 'plan' ? `into Redis at ${place}` : `${result.restored} keys in ${place}, ${result.expired} whose time had passed left out`, checks: [...(empty ? [empty] : []), ...result.checks], warnings: result.warnings };
}

function confirmationOf({ deployment }: Targets['redis'][number]['connection'], place: string): string {
	return deployment.mode === 'cluster' ? place.replace(/^cluster /, '') : place;
}

async function emptyRedis(connection: Targets['redis'][number]['connection'], place: string, runOptions: RunJobOptions): Promise<CheckResult> {
	const { keys } = await runJob<'redis.testConnection'>({ kind: 'redis.testConnection', connection }, runOptions);
	if (keys === 0) return { check: 'Empty Redis', state: 'passed', detail: `${place} is empty.` };
	return { check: 'Empty Redis', state: 'failed', detail: `${place} holds ${keys} keys.`, hint: 'Name an empty server, or restore into this one with "restore-redis".' };
}

async function restoreFolder({ component, backup, folder }: StageOf<'files' | 'config' | 'logs'>, attempt: Attempt, { store, decryption, runOptions }: StageWorld): Promise<StageOutcome> {
	// The place was empty when the first attempt began: what is in it now is what that attempt wrote, and only what is incomplete is written again.
	const goOn = attempt === 'again' && (await isFilled(folder));
	const result = await runJob<'files.restore'>(
		{
			kind: 'files.restore',
			store,
			decryption,
			component,
			backup: { by: 'id', id: backup },
			folder,
			...(goOn ? { mode: 'inPlace' as const, overwrite: 'always' as const, removeUnknown: true, confirmation: basename(folder) } : { mode: 'beside' as const }),
			dryRun: attempt === 'plan',
		},
		runOptions,
	);
	const { create, replace, same } = result.files;
	const kept = result.keptFolder === null ? [] : [`What the backup does not hold was moved to ${result.keptFolder}: unfinished files of the interrupted attempt, and whatever somebody put there meanwhile. Look into it before you delete it.`];
	return { detail: attempt === 'plan' ? `${create} files and links into ${folder}` : `${create + replace + same} files and links in ${folder}, read again and equal to the index`, checks: result.checks, warnings: [...result.warnings, ...kept] };
}

async function isFilled(folder: string): Promise<boolean> {
	try {
		return (await readdir(folder)).length > 0;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
}

async function restoreN8n({ backup, at }: StageOf<'n8n'>, attempt: Attempt, { store, decryption, targets, runOptions }: StageWorld): Promise<StageOutcome> {
	const target = targets.n8n[at];
	if (target === undefined) throw new BackupError('INVALID_INPUT', 'The targets file names no such n8n.', 'Add it to "n8n".');
	const result = await runJob<'n8n.restore'>(
		{
			kind: 'n8n.restore',
			store,
			decryption,
			backup: { by: 'id', id: backup },
			dataFolder: target.dataFolder,
			databaseFile: target.databaseFile,
			postgres: target.postgres ?? null,
			confirmation: attempt === 'again' ? target.dataFolder : '',
			dryRun: attempt === 'plan',
		},
		runOptions,
	);
	return { detail: attempt === 'plan' ? `n8n into ${result.dataFolder}` : `n8n's database and key in ${result.dataFolder}`, checks: result.checks, warnings: result.warnings };
}
