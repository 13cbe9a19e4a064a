import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withChainInUse } from '../../backup/use-chain';
import { readChain } from '../../catalog/chain';
import type { Manifest } from '../../catalog/manifest';
import type { WalRecord } from '../../catalog/wal-manifest';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { StepRecorder } from '../../core/steps';
import { throwIfFailed } from '../../core/throw-if-failed';
import { type Account, giveTo, serverAccount } from './account';
import { parseLsn } from '../replication/lsn';
import { baseDetails } from '../wal/covered-window';
import { microseconds } from '../wal/server-time';
import { ArchiveReader } from './archived-wal';
import { checkPages } from './check-pages';
import { type ChosenBase, chooseBase } from './choose-base';
import { type ControlFile, readControlFile } from './control-file';
import { handOver } from './hand-over';
import { layOutDataDirectory } from './lay-out-data-directory';
import { layOutWal } from './lay-out-wal';
import type { RecoverOptions, RecoverResult, RecoveryWindow } from './options';
import { endNow, startRecovered } from './own-server';
import { type Proven, proveRecovered } from './prove-recovered';
import { checkRecovery } from './recovery-checks';
import { places, type RecoveryRecord, writeRecoveryRecord } from './recovery-folder';
import { recoveryPlan } from './recovery-plan';
import { findServer } from './server-programs';
import { afterRecovery, writeRecoverySettings } from './settings';
import { shortSocketFolder } from './socket-folder';
import { superuserNames } from './superusers';
import { TablespaceGuard } from './tablespace-guard';
import { describeTarget } from './target';

/**
 * Recovers a whole server to a point in time, beside everything that lives: a base backup is laid out in a folder of its own, archived WAL is laid beside it,
 * and a server replays it up to the target. Whatever goes wrong, or when the job is cancelled, that server has ended and the folder is empty again.
 * @throws BackupError `TARGET_UNREACHABLE` before anything is read; `RESTORE_FAILED`, `TARGET_MISSED`; those of reading backups
 */
export async function recover(options: RecoverOptions, context: JobContext): Promise<RecoverResult> {
	const steps = new StepRecorder(context.progress);
	const chosen = await steps.run(
		'Find base backup and WAL',
		async () => await chooseBase(options, context),
		({ found, wal, records }) => `${found.manifest.id}; WAL up to ${wal.window.toLsn} on timeline ${wal.timeline}, ${records.length} objects.`,
	);
	const chain = await readChain(options.store, chosen.found.manifest);
	return await withChainInUse(options.store, context, chain, async (signal) => await new Recovery(options, chosen, chain, { ...context, signal }, steps).run());
}

class Recovery {
	private readonly at;
	private readonly major: number;
	private readonly warnings: string[] = [];
	private account: Account | undefined;
	/** What was laid out to be replayed. */
	private records: readonly WalRecord[];

	constructor(
		private readonly options: RecoverOptions,
		private readonly chosen: ChosenBase,
		private readonly chain: readonly Manifest[],
		private readonly context: JobContext,
		private readonly steps: StepRecorder,
	) {
		this.at = places(options.folder);
		this.records = chosen.records;
		this.major = sourceOf(chosen.found.manifest, 'postgres').serverMajor;
	}

	async run(): Promise<RecoverResult> {
		const { options, context, chosen, steps } = this;
		const checks = await steps.run('Check', async () => await checkRecovery({ ...options, ...chosen, chain: this.chain, major: this.major }, context), (made) => `${made.length} points were checked.`);
		if (options.dryRun) return this.result({ checks, plan: recoveryPlan(options, chosen, this.chain), proven: undefined, server: null });
		throwIfFailed(checks, `Nothing was recovered from ${chosen.found.manifest.id}`);
		this.account = options.destination.mode === 'startHere' ? await serverAccount() : undefined;
		await mkdir(options.folder, { recursive: true, mode: 0o700 });
		// In another container the server's user passes through; what lies inside is closed to all others.
		await chmod(options.folder, options.destination.mode === 'startHere' ? 0o700 : 0o711);
		const { window } = chosen.wal;
		if (window.gap && options.target.by === 'latest') this.warnings.push(`This is not the newest state of the server: ${window.ends}.`);
		if (wentBack(options, window, chosen.records)) this.warnings.push("The server's clock was set back: the log passes the target, and later commits have earlier times. Recovery stops where the log first passes it; for what came later, give an LSN.");
		try {
			const { proven, server } = await this.recover();
			return this.result({ checks, plan: [], proven, server });
		} catch (error) {
			for (const name of await readdir(options.folder)) await rm(join(options.folder, name), { recursive: true, force: true });
			throw error;
		}
	}

	private async recover(): Promise<{ proven: Proven | undefined; server: RecoverResult['server'] }> {
		const { options, context, at } = this;
		const record = this.record('preparing');
		await writeRecoveryRecord(options.folder, record);
		const control = await this.layOut();
		const { destination } = options;
		const socketFolder = destination.mode === 'startHere' ? await shortSocketFolder(options.folder) : null;
		// Whoever starts it elsewhere starts it once: so where the log ends before the target, the settings already say so.
		const toEndOfWal = destination.mode !== 'startHere' && isAfterLastCommit(options, this.chosen.wal.window, this.records);
		await writeRecoverySettings(at.data, { target: toEndOfWal ? { by: 'latest' } : options.target, inclusive: options.inclusive, timeline: this.chosen.wal.timeline, socketFolder, control, overNetwork: destination.mode !== 'startHere' });
		await writeRecoveryRecord(options.folder, { ...record, state: 'prepared' });
		switch (destination.mode) {
			case 'startHere':
				return await this.startHere(destination.serverFolder, socketFolder ?? '', record);
			case 'handOver': {
				const proven = await handOver({ ...options, ...this.chosen, records: this.records, destination, major: this.major, record, toEndOfWal }, context, this.steps);
				const { host, port, user } = destination.connection;
				return { proven, server: { host, port, user } };
			}
			case 'prepareOnly':
				return { proven: undefined, server: null };
		}
	}

	private async layOut(): Promise<ControlFile> {
		const { options, context, steps, at, chosen } = this;
		await steps.run(
			'Lay out the base backup',
			async () => await layOutDataDirectory(options.store, this.chain, { dataFolder: at.data, tablespaceFolder: (oid) => join(at.tablespaces, String(oid)) }, context),
			({ files, bytes }) => `${files} files with ${bytes} bytes from ${this.chain.length} backup${this.chain.length === 1 ? '' : 's'}.`,
		);
		const control = await readControlFile(at.data);
		const { systemIdentifier } = baseDetails(chosen.found.manifest);
		if (control.systemIdentifier !== systemIdentifier) {
			throw new BackupError('ARTIFACT_DAMAGED', `The base backup ${chosen.found.manifest.id} holds the server ${control.systemIdentifier}, and its manifest says ${systemIdentifier}.`, 'Do not use it; choose another base backup.');
		}
		const guard = new TablespaceGuard(baseDetails(chosen.found.manifest), chosen.wal.timeline, options.target);
		const laid = await steps.run('Lay out the WAL', async () => await layOutWal(options.store, chosen.records, at.wal, context, (bytes) => guard.push(bytes), async () => await this.relist()), ({ files }) => `${files} files.`);
		this.records = laid.records;
		return control;
	}

	/** The same stretch of the log as it is archived now. */
	private async relist(): Promise<WalRecord[]> {
		const { options, context, chosen } = this;
		const { records } = await new ArchiveReader(options.store, context).to(chosen.found.manifest, options.timeline, options.target);
		// What was archived since would have no end where much is written.
		return records.filter(({ startLsn }) => parseLsn(startLsn) < chosen.wal.path.end);
	}

	private async startHere(serverFolder: string, socketFolder: string, record: RecoveryRecord): Promise<{ proven: Proven; server: RecoverResult['server'] }> {
		const { options, context, steps, at, chosen, account } = this;
		const program = await findServer(this.major, serverFolder, context.signal);
		const users = options.user === '' ? await superuserNames(at.data, baseDetails(chosen.found.manifest).blockBytes) : [options.user];
		await steps.run('Give the folder to the server', async () => await giveTo(options.folder, account, context.signal), () => (account ? `It belongs to "${account.name}".` : 'It belongs to the job\'s user.'));
		await writeRecoveryRecord(options.folder, { ...record, state: 'recovering' });
		const started = await steps.run(
			'Recover',
			async () =>
				await startRecovered(
					{
						program: program.path,
						dataFolder: at.data,
						socketFolder,
						logFile: at.log,
						account,
						users,
						segments: this.records.length,
						endOfWalIsEnough: isAfterLastCommit(options, chosen.wal.window, this.records),
					},
					context,
				),
			({ log, toEndOfWal }) => `PostgreSQL ${program.version}: ${toEndOfWal ? 'nothing was committed between the end of the WAL and the target' : (log.stopped ?? `redo done at ${log.redoneTo ?? 'the end of the base backup'}`)}.`,
		);
		try {
			const { connection, log, toEndOfWal } = started;
			const { systemIdentifier } = baseDetails(chosen.found.manifest);
			const proven = await steps.run(
				'Compare with the target',
				async () => await proveRecovered({ connection, target: options.target, inclusive: options.inclusive, records: this.records, systemIdentifier, stopped: log.stopped, toEndOfWal }, context),
				({ reached }) => `No longer in recovery; the newest transaction is of ${reached.lastTransactionAt ?? 'before the base backup'}, replayed up to ${reached.lastLsn ?? 'its end'}, now on timeline ${reached.timeline}.`,
			);
			if (options.checkPages) await this.checkAllPages(connection, proven);
			await afterRecovery(at.data);
			const server = { socketFolder, port: connection.port, user: connection.user };
			await writeRecoveryRecord(options.folder, { ...record, state: 'ready', server, reached: proven.reached });
			started.process.release();
			return { proven, server: { host: socketFolder, port: connection.port, user: connection.user } };
		} catch (error) {
			await endNow(started.process);
			throw error;
		}
	}

	private async checkAllPages(connection: Parameters<typeof checkPages>[0], { databases }: Proven): Promise<void> {
		const checked = await this.steps.run(
			'Read all pages',
			async () => await checkPages(connection, databases, this.major, this.context),
			({ tables, indexes }) => `${tables} tables and ${indexes} indexes are sound.`,
		);
		if (checked.without.length > 0) this.warnings.push(`The pages of ${checked.without.map((name) => `"${name}"`).join(', ')} were not read: the server has no extension amcheck (Debian: postgresql-${this.major} brings it, Alpine: postgresql${this.major}-contrib).`);
	}

	private record(state: RecoveryRecord['state']): RecoveryRecord {
		const { manifest } = this.chosen.found;
		return {
			formatVersion: 1,
			state,
			backup: manifest.id,
			source: manifest.source.name,
			systemIdentifier: baseDetails(manifest).systemIdentifier,
			serverMajor: this.major,
			target: this.options.target,
			startedAt: this.context.now().toISOString(),
			server: null,
			reached: null,
		};
	}

	private result({ checks, plan, proven, server }: Pick<RecoverResult, 'checks' | 'plan' | 'server'> & { readonly proven: Proven | undefined }): RecoverResult {
		const { options, chosen, steps } = this;
		const plainChecks = checks.map(({ check, state, detail, hint }) => ({ check, state, detail, ...(hint === undefined ? {} : { hint }) }));
		return {
			dryRun: options.dryRun,
			backup: chosen.found.summary,
			chain: this.chain.map(({ id }) => id),
			folder: options.folder,
			target: options.target,
			window: chosen.wal.window,
			server,
			reached: proven?.reached ?? null,
			databases: proven?.databases ?? [],
			checks: plainChecks,
			plan,
			steps: steps.steps,
			warnings: this.warnings,
		};
	}
}

/** PostgreSQL stops at a time only where a later commit shows that it has passed; where the log shows that none came up to it, its end is that state. */
function isAfterLastCommit({ target, inclusive }: Pick<RecoverOptions, 'target' | 'inclusive'>, { to, lastCommitAt }: RecoveryWindow, records: readonly WalRecord[]): boolean {
	if (target.by !== 'time' || to === null || microseconds(target.time) > microseconds(to)) return false;
	const passed = (at: string | null | undefined) => at != null && (microseconds(at) > microseconds(target.time) || (!inclusive && microseconds(at) === microseconds(target.time)));
	return !passed(lastCommitAt) && !records.some(({ times }) => passed(times?.lastCommitAt));
}

/** PostgreSQL stops where the log first passes a time, whatever comes after it. */
function wentBack({ target }: Pick<RecoverOptions, 'target'>, { lastCommitAt }: RecoveryWindow, records: readonly WalRecord[]): boolean {
	if (target.by !== 'time' || lastCommitAt === null || microseconds(lastCommitAt) > microseconds(target.time)) return false;
	return records.some(({ times }) => times?.lastCommitAt != null && microseconds(times.lastCommitAt) > microseconds(target.time));
}

/** One line for people: to where, from what. */
export function describeRecovery({ target, backup, folder, reached }: RecoverResult): string {
	return `${backup.id} was recovered to ${describeTarget(target)} in ${folder}; the newest transaction in it is of ${reached?.lastTransactionAt ?? 'before the base backup'}.`;
}
