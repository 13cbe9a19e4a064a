import { abortError, pause } from '../core/abortable';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import type { Store } from '../storage/store';
import { HeldLock } from './held-lock';
import { lockFolder } from './layout';
import { ownIdentity } from './lock-owner';
import { type FoundLock, findLocks, isDead, type LockMode, type LockRecord } from './lock-record';
import { writeSmallObject } from './small-object';

export interface LockRequest {
	/** Usable as a folder name of the store, e.g. a component, `prune` or `use.<backup id>`. */
	readonly name: string;
	readonly mode: LockMode;
	/** What for, to complete "which is …", e.g. `backing up crm`. */
	readonly purpose: string;
	readonly backupId?: string;
	/** How long to wait for a holder before giving up. */
	readonly waitSeconds: number;
}

/** A lock that is held. `release` it in a `finally`. */
export interface Lock {
	/** Fires with `LOCK_LOST` as its reason when somebody else has taken the lock. */
	readonly signal: AbortSignal;
	/** Owner ids of dead holders whose place was taken. */
	readonly tookOverFrom: readonly string[];
	/** When the lock file was last written, by the store's clock. */
	readonly storeNow: Date;
	/** Writes into the lock file which backup is being worked on. */
	attach(backupId: string): Promise<void>;
	/** Looks into the store now. @throws BackupError `LOCK_LOST` */
	stillHeld(): Promise<void>;
	release(): Promise<void>;
}

type LockContext = Pick<JobContext, 'now' | 'randomBytes' | 'signal' | 'latestProgress'>;

/** Two that start in the same moment need a few rounds to find out who goes first; nobody waits longer for that than this. */
const CONTENTION_SECONDS = 10;
const POLL_MS = 1000;

/**
 * Takes a lock in the store. Stores have no conditional write, so everybody writes a file of its own and then looks:
 * of two that write, the later one surely sees the earlier, so never both go on. Where both see each other, the one with the
 * smaller owner id stays and looks again, the other withdraws and tries later. A dead holder's file is removed.
 * @throws BackupError `LOCK_HELD` saying who holds it
 */
export async function acquireLock(store: Store, context: LockContext, request: LockRequest): Promise<Lock> {
	const started = performance.now();
	const elapsed = () => (performance.now() - started) / 1000;
	const ownerId = context.randomBytes(10).toString('hex');
	const key = `${lockFolder(request.name)}${ownerId}.json`;
	const now = () => context.now().toISOString();
	const record: LockRecord = {
		formatVersion: 1,
		name: request.name,
		state: 'wanted',
		mode: request.mode,
		purpose: request.purpose,
		backupId: request.backupId ?? null,
		owner: ownIdentity(),
		acquiredAt: now(),
		heartbeatAt: now(),
		tookOverFrom: [],
	};
	const write = (changed: Partial<LockRecord>) =>
		writeSmallObject(store, key, Object.assign(record, changed, { heartbeatAt: now() }), { signal: context.signal });

	try {
		for (;;) {
			throwIfAborted(context.signal);
			await write({ state: 'wanted' });
			const round = await lookAround(store, ownerId, request);
			if (round.mine && round.inTheWay.length === 0) {
				const dead = round.dead.map((lock) => lock.ownerId);
				await write({ state: 'held', acquiredAt: now(), tookOverFrom: dead });
				for (const lock of round.dead) await store.remove(lock.key);
				const storeNow = (await store.stat(key))?.modifiedAt ?? round.storeNow;
				return new HeldLock({ store, context, key, ownerId, record, storeNow });
			}
			const holder = round.inTheWay.find((lock) => lock.record?.state !== 'wanted');
			if (holder) {
				await store.remove(key);
				if (elapsed() >= request.waitSeconds) throw lockHeld(request, holder);
				await pause(Math.min(POLL_MS, (request.waitSeconds - elapsed()) * 1000), context.signal);
				continue;
			}
			const [other] = round.inTheWay;
			if (other && elapsed() >= Math.max(request.waitSeconds, CONTENTION_SECONDS)) throw lockHeld(request, other);
			if (other && other.ownerId < ownerId) await store.remove(key);
			await pause(jitter(context, other !== undefined && other.ownerId < ownerId ? 200 : 50), context.signal);
		}
	} catch (error) {
		try {
			await store.remove(key);
		} catch {
			// The first error is the one to report; the file that stays counts as dead soon.
		}
		throw context.signal.aborted ? abortError(context.signal) : error;
	}
}

interface Round {
	/** Our own file was among those listed: a store that does not show it cannot be trusted to show others'. */
	readonly mine: boolean;
	readonly storeNow: Date;
	readonly inTheWay: FoundLock[];
	readonly dead: FoundLock[];
}

async function lookAround(store: Store, ownerId: string, request: LockRequest): Promise<Round> {
	const locks = await findLocks(store, request.name);
	const mine = locks.find((lock) => lock.ownerId === ownerId);
	const storeNow = mine?.modifiedAt ?? new Date(0);
	const others = locks.filter((lock) => lock.ownerId !== ownerId);
	const dead = others.filter((lock) => mine !== undefined && isDead(lock, storeNow));
	const inTheWay = others
		.filter((lock) => !dead.includes(lock) && conflicts(request.mode, lock.record?.mode))
		.sort((a, b) => (a.ownerId < b.ownerId ? -1 : 1));
	return { mine: mine !== undefined, storeNow, inTheWay, dead };
}

/** A file that cannot be read may be anything, so it stands in everybody's way until it is dead. */
function conflicts(mine: LockMode, theirs: LockMode | undefined): boolean {
	return mine === 'exclusive' || theirs !== 'shared';
}

function jitter(context: LockContext, atMostMs: number): number {
	return 5 + (context.randomBytes(2).readUInt16BE(0) / 0xffff) * atMostMs;
}

function lockHeld(request: LockRequest, holder: FoundLock): BackupError {
	const record = holder.record;
	const who = record
		? `process ${record.owner.pid} on ${record.owner.host}, which is ${record.purpose} since ${record.acquiredAt} and was last heard of at ${record.heartbeatAt}`
		: `an unknown process whose lock file ${holder.key} cannot be read (written at ${holder.modifiedAt.toISOString()})`;
	return new BackupError(
		'LOCK_HELD',
		`The lock "${request.name}" of the store is held by ${who}.`,
		'Wait until it has finished, or give this job time to wait. If that process no longer exists, its lock is taken over about 90 seconds after its last sign of life.',
	);
}
