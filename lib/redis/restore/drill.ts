import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../catalog/manifest';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { StepRecorder } from '../../core/steps';
import type { Store } from '../../storage/store';
import type { RedisConnection } from '../connection-settings';
import { totalKeys } from '../rdb/rdb-report';
import type { ServerInfo } from '../server-info';
import { compareKeys, compareReplaced } from './compare-keys';
import { findServerProgram, programVersion, requireMemory, withDrillServer } from './drill-server';
import type { DatabaseComparison } from './options';
import { newestRdbVersion } from './rdb-versions';
import { removeRestored } from './remove-keys';
import { RestoreCounts } from './restore-commands';
import { type CheckedRdb, restoreKeys } from './restore-keys';
import { checkRdb, type StoredRdb, storedRdbs } from './stored-rdb';
import { keysIn, readTargets } from './target-checks';
import { rdbFileName, writeRdbFile } from './write-rdb-file';

export interface RedisDrillRequest {
	readonly store: Store;
	readonly manifest: Manifest;
	/** An empty server; null: one is started on this machine. */
	readonly connection: RedisConnection | null;
	readonly serverProgram: string;
}

/** A key whose time ends within so long may be gone when it is counted. */
const LONGEST_DRILL_MS = 3_600_000;
/** The clean-up after a drill also runs when the job was cancelled. */
const CLEAN_UP_MS = 300_000;

/**
 * Restores a backup of Redis into a throwaway server and compares the number of keys per database.
 * @returns what was compared, as a sentence
 */
export async function runRedisDrill(request: RedisDrillRequest, context: JobContext, steps: StepRecorder): Promise<string> {
	const rdbs = storedRdbs(request.store, request.manifest);
	let keys = 0;
	let where = '';
	for (const rdb of rdbs) {
		const done = request.connection ? await intoEmptyServer(request.connection, rdb, context, steps) : await intoOwnServer(request, rdb, context, steps);
		keys += done.keys;
		where = done.where;
	}
	return `Restored into ${where}: ${keys} keys, as many per database as the backup holds.`;
}

interface Drilled {
	readonly keys: number;
	readonly where: string;
}

/** The RDB is loaded by a server of its own, as it would be after a disaster. */
async function intoOwnServer({ manifest, serverProgram }: RedisDrillRequest, rdb: StoredRdb, context: JobContext, steps: StepRecorder): Promise<Drilled> {
	const program = await findServerProgram(serverProgram);
	if (program === undefined) {
		throw new BackupError('CLIENT_MISSING', 'This machine has neither redis-server nor valkey-server for a drill.', 'Install one (Debian: redis-server), or name an empty Redis in a credential.');
	}
	const version = await programVersion(program, context.signal);
	const source = { flavor: manifest.redis?.flavor ?? ('redis' as const), serverVersion: sourceOf(manifest, 'redis').serverVersion };
	const rdbVersion = manifest.redis?.rdbVersion ?? 1;
	if (rdbVersion > newestRdbVersion(version, source)) {
		throw new BackupError('CLIENT_TOO_OLD', `${program} (${version.flavor} ${version.version}) cannot read RDB version ${rdbVersion} of ${source.flavor} ${source.serverVersion}.`, 'Install a newer one, or name an empty server of the source\'s version in a credential.');
	}
	const folder = join(context.workFolder, `drill-${context.randomBytes(4).toString('hex')}`);
	await rm(folder, { recursive: true, force: true });
	const written = await steps.run(
		'Write the snapshot',
		async () => {
			const { path, report } = await writeRdbFile(rdb, context.workFolder, context);
			if (report.modules.length > 0) throw new BackupError('EXTENSION_MISSING', `The snapshot holds data of the modules ${report.modules.join(', ')}, which a server of this machine does not have.`, 'Run the drill in a server with these modules; "Integrity" can be checked without.');
			requireMemory(Number(report.aux['used-mem'] ?? 0));
			return { path, report };
		},
		({ report }) => `${report.bytes} bytes, sound.`,
	);
	try {
		return await steps.run(
			'Start a server with it',
			async () =>
				await withPlacedFile(written.path, folder, async () =>
					await withDrillServer(program, folder, context, async (_connection, info: ServerInfo) => {
						// A server drops expired keys while it loads: what may have expired is counted from now on.
						const report = await checkRdb(rdb, context, context.now().getTime() + LONGEST_DRILL_MS);
						requireEqual(compareReplaced(report.databases, info.databases), rdb);
						return { keys: totalKeys(report.databases), where: `${info.flavor === 'valkey' ? 'Valkey' : 'Redis'} ${info.version}, started for it` };
					}),
				),
			({ keys, where }) => `${where}: ${keys} keys.`,
		);
	} finally {
		await rm(written.path, { force: true });
		await rm(folder, { recursive: true, force: true });
	}
}

async function withPlacedFile<T>(path: string, folder: string, body: () => Promise<T>): Promise<T> {
	await mkdir(folder, { mode: 0o700 });
	await rename(path, join(folder, rdbFileName('dump.rdb.zst')));
	return await body();
}

/** Key by key into a server that must be empty; afterwards exactly those keys are removed. */
async function intoEmptyServer(connection: RedisConnection, rdb: StoredRdb, context: JobContext, steps: StepRecorder): Promise<Drilled> {
	const before = await readTargets(connection, context.signal);
	const [target] = before;
	if (!target || before.length > 1 || target.info.clusterEnabled) throw new BackupError('INVALID_INPUT', 'A drill needs one server that is no cluster.', 'Name a throwaway server in the credential.');
	if (target.info.role !== 'master') throw new BackupError('INVALID_INPUT', 'The server for the drill is a replica.', 'Name a throwaway server of its own.');
	if (keysIn(before) > 0) {
		throw new BackupError('DATABASE_NOT_EMPTY', `The server for the drill holds ${keysIn(before)} keys: it is not a throwaway one.`, 'Name an empty server. A drill never removes what it has not put there.');
	}
	const report = await steps.run('Check the backup', async () => await checkRdb(rdb, context), (checked) => `${checked.bytes} bytes, ${totalKeys(checked.databases)} keys.`);
	const checked: CheckedRdb = { rdb, report };
	const counts = new RestoreCounts();
	try {
		await steps.run(
			'Restore it',
			async () => await restoreKeys({ connection, targets: before, rdbs: [checked], target: { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' } }, counts, context),
			() => `${counts.restored} keys restored, ${counts.expired} whose time had passed.`,
		);
		requireEqual(compareKeys(counts, before, await readTargets(connection, context.signal), context.now().getTime()), rdb);
	} finally {
		await steps.run('Remove it', async () => await removeRestored(connection, target, checked, { ...context, signal: AbortSignal.timeout(CLEAN_UP_MS) }), () => 'The keys and functions of the backup were removed, nothing else.');
	}
	return { keys: counts.restored, where: `${target.info.flavor === 'valkey' ? 'Valkey' : 'Redis'} ${target.info.version} at ${target.server.address.host}:${target.server.address.port}` };
}

function requireEqual(comparison: readonly DatabaseComparison[], { manifest, artifact }: StoredRdb): void {
	const wrong = comparison.filter(({ equal }) => !equal);
	if (wrong.length === 0) return;
	throw new BackupError(
		'PROOF_MISMATCH',
		`${artifact.name} of backup ${manifest.id} does not restore to what it holds: ${wrong.map(({ database, expected, found }) => `database ${database} has ${found} keys instead of ${expected}`).join('; ')}.`,
		'See whether something else wrote into the server of the drill. If not, do not rely on this backup, and take a new one.',
	);
}
