import { withBackupInUse } from '../../backup/use-backup';
import { findBackup, type FoundBackup } from '../../catalog/find-backup';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { type RestoreCheck, StepRecorder } from '../../core/steps';
import { describeAddress, type RedisConnection } from '../connection-settings';
import { totalKeys } from '../rdb/rdb-report';
import { sumDatabases } from '../sum-databases';
import { compareKeys, compareReplaced } from './compare-keys';
import type { DatabaseComparison, RedisRestoreOptions, RedisRestoreResult } from './options';
import { replaceAll } from './replace-all';
import { RestoreCounts } from './restore-commands';
import { type CheckedRdb, restoreKeys } from './restore-keys';
import { checkRdb, type StoredRdb, storedRdbs } from './stored-rdb';
import { checkContents, checkTargets, checkVerification, confirmationText, readTargets, type TargetServer } from './target-checks';
import { throwIfFailed } from '../../core/throw-if-failed';
import { fileSteps, rdbFileName, requireRoom, writeRdbFile } from './write-rdb-file';

/**
 * Restores Redis from a backup. All of every RDB is checked before the first byte goes to the target.
 * @throws BackupError see `ERROR_CODES`; checks fail before anything is changed
 */
export async function restoreRedis(options: RedisRestoreOptions, context: JobContext): Promise<RedisRestoreResult> {
	const steps = new StepRecorder(context.progress);
	const found = await steps.run(
		'Find the backup',
		async () => await findBackup(options.store, { component: 'redis', kinds: options.backup.by === 'id' ? ['full', 'safety'] : ['full'], choice: options.backup }),
		({ summary }) => `${summary.id}: ${summary.source}, ${summary.startedAt}, ${summary.sourceBytes} bytes.`,
	);
	sourceOf(found.manifest, 'redis');
	return await withBackupInUse(options.store, context, found.manifest, async (signal) => await new RedisRestore(options, found, { ...context, signal }, steps).run());
}

type Outcome = Pick<RedisRestoreResult, 'plan'> & { readonly counts?: RestoreCounts; readonly comparison?: DatabaseComparison[]; readonly files?: string[]; readonly warnings?: string[] };

class RedisRestore {
	private readonly rdbs: StoredRdb[];

	constructor(
		private readonly options: RedisRestoreOptions,
		private readonly found: FoundBackup,
		private readonly context: JobContext,
		private readonly steps: StepRecorder,
	) {
		this.rdbs = storedRdbs(options.store, found.manifest);
	}

	async run(): Promise<RedisRestoreResult> {
		const { options } = this;
		switch (options.target.mode) {
			case 'keys':
				return await this.intoServer(this.requireConnection(), async (connection, targets, rdbs) => await this.keys(connection, targets, rdbs));
			case 'replace':
				return await this.intoServer(this.requireConnection(), async (connection, targets, rdbs) => await this.replace(connection, targets, rdbs));
			case 'file':
				return await this.toFile(options.target.folder);
		}
	}

	private requireConnection(): RedisConnection {
		if (this.options.connection) return this.options.connection;
		throw new BackupError('INVALID_INPUT', 'No server was named to restore into.', 'Choose a credential, or restore to a file.');
	}

	private async intoServer(connection: RedisConnection, body: (connection: RedisConnection, targets: TargetServer[], rdbs: CheckedRdb[]) => Promise<Outcome>): Promise<RedisRestoreResult> {
		const { options, context, steps } = this;
		const targets = await steps.run('Check the target', async () => await readTargets(connection, context.signal), (read) => `${read.length === 1 ? 'One server' : `${read.length} servers`}: ${read.map(({ server, info }) => `${describeAddress(server.address)} (${info.version})`).join(', ')}.`);
		const before = [checkVerification(this.found, options.minimumVerification), ...checkTargets(options, connection, targets, this.found.manifest.sourceBytes)];
		if (!options.dryRun) throwIfFailed(before, this.refusal());
		const rdbs = await this.checkAll();
		const checks = [...before, ...this.checkContents(rdbs, targets)];
		if (options.dryRun) return this.result(confirmationText(connection), checks, { plan: this.plan(rdbs) });
		throwIfFailed(checks, this.refusal());
		return this.result(confirmationText(connection), checks, await body(connection, targets, rdbs));
	}

	private refusal(): string {
		return `Backup ${this.found.manifest.id} was not restored`;
	}

	/** Nothing reaches a target before this is through: a damaged RDB ends Redis for good, and half a restore is worse than none. */
	private async checkAll(): Promise<CheckedRdb[]> {
		return await this.steps.run(
			'Check the whole backup',
			async () => {
				const checked: CheckedRdb[] = [];
				for (const rdb of this.rdbs) checked.push({ rdb, report: await checkRdb(rdb, this.context, this.context.now().getTime() + LONGEST_RESTORE_MS) });
				return checked;
			},
			(checked) => `${checked.reduce((sum, { report }) => sum + report.bytes, 0)} bytes and ${totalKeys(checked.flatMap(({ report }) => report.databases))} keys: digests, checksums and structure are sound.`,
		);
	}

	private checkContents(rdbs: readonly CheckedRdb[], targets: readonly TargetServer[]): RestoreCheck[] {
		const { manifest } = this.found;
		const reports = rdbs.map(({ report }) => report);
		const contents = {
			rdbVersion: Math.max(...reports.map(({ version }) => version)),
			flavor: manifest.redis?.flavor ?? ('redis' as const),
			serverVersion: sourceOf(manifest, 'redis').serverVersion,
			modules: [...new Set(reports.flatMap(({ modules }) => modules))],
			moduleValues: reports.reduce((sum, { types }) => sum + (types.module ?? 0), 0),
			databases: sumDatabases(reports.map(({ databases }) => databases)),
			rdbs: rdbs.length,
			largestValue: Math.max(...reports.map(({ largestValue }) => largestValue)),
		};
		return checkContents(contents, this.options.target, targets);
	}

	private plan(rdbs: readonly CheckedRdb[]): string[] {
		const { target } = this.options;
		const databases = sumDatabases(rdbs.map(({ report }) => report.databases));
		const contents = databases.map(({ index, keys, expiring }) => `database ${index}: ${keys} keys (${expiring} expiring)`).join('; ') || 'no keys';
		switch (target.mode) {
			case 'keys':
				return [
					`Restore ${target.patterns.length === 0 ? 'all keys' : `the keys that match ${target.patterns.join(', ')}`}${target.databases.length === 0 ? '' : ` of database ${target.databases.join(', ')}`} from: ${contents}.`,
					target.existing === 'keep' ? 'Keys that the target has already stay as they are.' : 'Keys of the same name are overwritten; all others stay.',
					target.functions === 'skip' ? 'Functions are left out.' : `Load ${rdbs[0]?.report.functionLibraries ?? 0} libraries of functions.`,
					'Compare the number of keys per database.',
				];
			case 'replace':
				return [
					'Listen on a port of this machine, and make the target a replica of it (REPLICAOF). From here on it takes no writes.',
					`Send it: ${contents}. All that it holds now is replaced when the last byte has arrived; its append-only file is rewritten by itself.`,
					'Make it a master again (REPLICAOF NO ONE), and compare the number of keys per database.',
				];
			case 'file':
				return [`Write ${this.rdbs.map(({ artifact }) => rdbFileName(artifact.name)).join(', ')} into ${target.folder}: ${contents}.`];
		}
	}

	private async replace(connection: RedisConnection, before: TargetServer[], rdbs: CheckedRdb[]): Promise<Outcome> {
		const { context, steps, options } = this;
		const [target] = before;
		const [rdb] = rdbs;
		if (options.target.mode !== 'replace' || !target || !rdb) throw new TypeError('nothing to replace');
		const ways = options.target;
		await steps.run('Replace all data', async () => await replaceAll({ connection, target, rdb, ways }, context), () => 'The target has received and loaded the snapshot, and is a master again.');
		const comparison = await steps.run(
			'Compare',
			async () => requireEqual(compareReplaced(rdb.report.databases, (await readTargets(connection, context.signal)).flatMap(({ info }) => info.databases)), 0),
			(compared) => `${compared.length} databases hold the keys that they must.`,
		);
		const counts = new RestoreCounts();
		counts.restored = totalKeys(rdb.report.databases);
		counts.libraries = rdb.report.functionLibraries;
		return { plan: [], counts, comparison };
	}

	private async toFile(folder: string): Promise<RedisRestoreResult> {
		const { options, context, steps, rdbs } = this;
		const checks = [checkVerification(this.found, options.minimumVerification)];
		if (!options.dryRun) throwIfFailed(checks, this.refusal());
		await requireRoom(folder, rdbs);
		if (options.dryRun) return this.result(folder, checks, { plan: this.plan(await this.checkAll()) });
		const written = await steps.run(
			'Write',
			async () => {
				const files = [];
				for (const rdb of rdbs) files.push(await writeRdbFile(rdb, folder, context));
				return files;
			},
			(files) => `${files.map(({ path }) => path).join(', ')}: digests, checksums and structure are sound.`,
		);
		const files = written.map(({ path }) => path);
		const counts = new RestoreCounts();
		counts.restored = totalKeys(written.flatMap(({ report }) => report.databases));
		const details = this.found.manifest.redis;
		const slots = (details?.snapshots ?? []).map((snapshot) => snapshot.slots.map(({ first, last }) => `${first}-${last}`).join(', '));
		return this.result(folder, checks, { plan: fileSteps(files, details?.flavor ?? 'redis', slots), counts, files });
	}

	private async keys(connection: RedisConnection, before: TargetServer[], rdbs: CheckedRdb[]): Promise<Outcome> {
		const { context, steps, options } = this;
		if (options.target.mode !== 'keys') throw new TypeError('not key by key');
		const { target } = options;
		const counts = new RestoreCounts();
		await steps.run(
			'Restore the keys',
			async () => await restoreKeys({ connection, targets: before, rdbs, target }, counts, context),
			() => `${counts.restored} restored, ${counts.kept} kept as they were, ${counts.expired} whose time had passed, ${counts.notChosen} not chosen, ${counts.libraries} libraries of functions.`,
		);
		const comparison = await steps.run(
			'Compare',
			async () => await this.compare(counts, connection, before),
			(compared) => `${compared.length} databases hold the keys that they must.`,
		);
		return { plan: [], counts, comparison, warnings: counts.librariesKept > 0 ? [`${counts.librariesKept} libraries of functions were there already and were kept.`] : [] };
	}

	private async compare(counts: RestoreCounts, connection: RedisConnection, before: readonly TargetServer[]): Promise<DatabaseComparison[]> {
		const after = await readTargets(connection, this.context.signal);
		return requireEqual(compareKeys(counts, before, after, this.context.now().getTime()), evictions(after) - evictions(before));
	}

	private result(target: string, checks: readonly RestoreCheck[], { plan, counts = new RestoreCounts(), comparison = [], files = [], warnings = [] }: Outcome): RedisRestoreResult {
		return {
			dryRun: this.options.dryRun,
			backup: this.found.summary,
			target,
			checks: checks.map(({ check, state, detail, hint }) => ({ check, state, detail, ...(hint === undefined ? {} : { hint }) })),
			plan,
			steps: this.steps.steps,
			restored: counts.restored,
			kept: counts.kept,
			expired: counts.expired,
			notChosen: counts.notChosen,
			functionLibraries: counts.libraries,
			files,
			comparison,
			warnings: [...checks.filter(({ state }) => state === 'warning').map(({ detail, hint }) => `${detail} ${hint ?? ''}`.trim()), ...warnings],
		};
	}
}

/** Keys whose time ends within so long from now may be gone by the time that they are counted. */
const LONGEST_RESTORE_MS = 3_600_000;

function requireEqual(comparison: DatabaseComparison[], evicted: number): DatabaseComparison[] {
	const wrong = comparison.filter(({ equal }) => !equal);
	if (wrong.length === 0) return comparison;
	throw new BackupError(
		'PROOF_MISMATCH',
		`After the restore ${wrong.map(({ database, expected, found }) => `database ${database} holds ${found} keys and must hold ${expected}`).join('; ')}.${evicted > 0 ? ` The target dropped ${evicted} keys to make room.` : ''}`,
		evicted > 0 ? 'Raise its maxmemory and restore again.' : 'Something else writes into the target or deletes from it. Stop it and restore again.',
	);
}

function evictions(targets: readonly TargetServer[]): number {
	return targets.reduce((sum, { info }) => sum + info.evictedKeys, 0);
}
