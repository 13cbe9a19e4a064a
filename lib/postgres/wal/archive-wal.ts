import type { WalRecord } from '../../catalog/wal-manifest';
import { withLock } from '../../catalog/with-lock';
import { pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { readServerFacts, type ServerFacts } from '../basebackup/server-facts';
import type { PostgresConnection } from '../connection-settings';
import { formatLsn, type Lsn, parseLsn } from '../replication/lsn';
import { type ReplicationSession, withReplication } from '../replication/replication-session';
import { readWalIndex } from './archive-index';
import { runArchiving } from './archive-run';
import { readSlot, type SlotState } from './replication-slot';
import { slotWarnings } from './slot-warnings';
import { walLockName } from './wal-archive';
import { type ArchiveSummary, WalTally } from './wal-tally';

export interface ArchiveWalOptions {
	readonly connection: PostgresConnection;
	/** What tells this server from others in messages; empty: its address. */
	readonly name: string;
	readonly slotName: string;
	/** End the segment that is being written, so that whole segments are archived. Where the role may not, its beginning is archived as a piece. */
	readonly switchSegment: boolean;
	readonly compressionLevel: number;
	readonly lockWaitSeconds: number;
}

/** What a catch-up did. */
export interface ArchiveWalResult extends ArchiveSummary {
	readonly startedAt: string;
	readonly finishedAt: string;
	readonly durationSeconds: number;
}

/** How long to wait for another run that archives the same at the moment. */
const OTHER_WAIT_SECONDS = 30;
const POLL_MS = 1000;

/**
 * Archives the WAL that a server wrote since the last time, up to the position that it has now, and stops. Where another run streams it into
 * the same store, it is enough that this comes so far.
 * @throws BackupError `WAL_GAP`, `WAL_CONFLICT`, `WAL_INVALID`, `LOCK_HELD`, or the server's or store's error; what was archived stays
 */
export async function archiveWal(options: ArchiveWalOptions, store: Store, context: JobContext): Promise<ArchiveWalResult> {
	const { connection, slotName, compressionLevel, lockWaitSeconds } = options;
	const server = options.name === '' ? `${connection.host}:${connection.port}` : options.name;
	const startedAt = context.now();
	const doing = `archiving the WAL of ${server}`;
	context.progress({ step: `Connecting to ${server}` });
	return await withReplication(connection, { signal: context.signal, applicationName: 'backup-recovery WAL', doing }, async (session) => {
		const facts = await readServerFacts(session);
		const request = { name: walLockName(facts.systemIdentifier), mode: 'exclusive' as const, purpose: doing, waitSeconds: 0 };
		const stopAt = await stopPosition(session, facts, options.switchSegment);
		const result = (tally: WalTally, slot: SlotState | undefined): ArchiveWalResult => {
			tally.warn(slotWarnings(slot, slotName));
			const finishedAt = context.now();
			return { ...tally.summary(slot), startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString(), durationSeconds: (finishedAt.getTime() - startedAt.getTime()) / 1000 };
		};
		const archive = async () => await withLock(store, context, request, async (lock, signal) => {
			const cut = () => session.destroy(signal.reason);
			signal.addEventListener('abort', cut, { once: true });
			try {
				const tally = new WalTally(server, facts, store, slotName);
				let from: Lsn | undefined;
				await runArchiving(
					{
						session,
						facts,
						store,
						slotName,
						compressionLevel,
						signal,
						context,
						storeNow: () => lock.storeNow,
						onStart: ({ start }) => (from = start),
						onGap: (gap) => tally.gap(gap),
						onArchived: (record: WalRecord, written) => {
							tally.add(record, written);
							if (from !== undefined) context.progress({ step: `Archiving the WAL of ${server}`, done: tally.bytes, total: Math.max(tally.bytes, Number(stopAt - from)), unit: 'bytes' });
						},
					},
					stopAt,
				);
				return result(tally, await readSlot(session.client, slotName));
			} finally {
				signal.removeEventListener('abort', cut);
			}
		});
		const deadline = performance.now() + Math.max(lockWaitSeconds, OTHER_WAIT_SECONDS) * 1000;
		for (;;) {
			try {
				return await archive();
			} catch (error) {
				if (!(error instanceof BackupError) || error.code !== 'LOCK_HELD') throw error;
				// Where the WAL is streamed, nothing is left to do once that has come so far.
				if (await isArchived(store, facts, stopAt, context)) return result(new WalTally(server, facts, store, slotName), await readSlot(session.client, slotName));
				if (performance.now() > deadline) throw error;
			}
			await pause(POLL_MS, context.signal);
		}
	});
}

async function isArchived(store: Store, facts: ServerFacts, position: Lsn, { keys, signal }: JobContext): Promise<boolean> {
	const index = await readWalIndex(store, facts, { keys, signal });
	return (index.parts.get(facts.timeline) ?? []).some(({ end }) => end >= position);
}

/**
 * Up to where the server's log goes now. An idle server gets a commit first, so that there is one at which a recovery to this moment can stop.
 */
async function stopPosition(session: ReplicationSession, facts: ServerFacts, switchSegment: boolean): Promise<Lsn> {
	if (!facts.inRecovery) {
		// On disk at once, whatever the server's default is; no standby is waited for.
		await session.query('SET synchronous_commit = local');
		// A transaction id alone would do, but such a commit reaches the disk only later: PostgreSQL waits only where something was logged.
		await session.query(`SELECT pg_catalog.pg_logical_emit_message(true, 'backup_recovery', '')`);
	}
	const [may] = await session.query(`SELECT pg_catalog.has_function_privilege('pg_catalog.pg_switch_wal()', 'EXECUTE')::text AS may`);
	if (switchSegment && !facts.inRecovery && may?.may === 'true') {
		const [row] = await session.query('SELECT pg_catalog.pg_switch_wal()::text AS lsn');
		const size = BigInt(facts.segmentBytes);
		// It returns the end of the record that ends the segment.
		return ((parseLsn(row?.lsn ?? '0/0') + size - 1n) / size) * size;
	}
	const [system] = await session.query('IDENTIFY_SYSTEM');
	return parseLsn(system?.xlogpos ?? formatLsn(0n));
}
