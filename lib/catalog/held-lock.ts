import type { JobContext } from '../core/context';
import { BackupError, toBackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { DEAD_AFTER_MS, findLocks, HEARTBEAT_MS, type LockRecord } from './lock-record';
import type { Lock } from './locks';
import { NEVER_ABORTED, writeSmallObject } from './small-object';

export interface HeldLockState {
	readonly store: Store;
	readonly context: Pick<JobContext, 'now' | 'latestProgress'>;
	readonly key: string;
	readonly ownerId: string;
	readonly record: LockRecord;
	readonly storeNow: Date;
}

/** Keeps a lock alive by writing its file again and again, and notices when somebody else took it. */
export class HeldLock implements Lock {
	private readonly lost = new AbortController();
	private readonly timer: NodeJS.Timeout;
	/** Writes of the file, one after the other. */
	private writing: Promise<void> = Promise.resolve();
	private writtenAt = performance.now();
	private released = false;
	private storeTime: Date;

	constructor(private readonly state: HeldLockState) {
		this.storeTime = state.storeNow;
		this.timer = setInterval(() => void this.beat(), HEARTBEAT_MS);
		this.timer.unref();
	}

	get signal(): AbortSignal {
		return this.lost.signal;
	}

	get tookOverFrom(): readonly string[] {
		return this.state.record.tookOverFrom;
	}

	get storeNow(): Date {
		return this.storeTime;
	}

	async attach(backupId: string): Promise<void> {
		this.state.record.backupId = backupId;
		await this.stillHeld();
	}

	async stillHeld(): Promise<void> {
		const done = this.writing.then(() => this.refresh());
		this.writing = done.catch(() => undefined);
		await done;
	}

	async release(): Promise<void> {
		clearInterval(this.timer);
		this.released = true;
		await this.writing;
		await this.state.store.remove(this.state.key);
	}

	/** One heartbeat. A store that is away for a moment is no reason to give up; one that is away until others may take the lock is. */
	private async beat(): Promise<void> {
		try {
			await this.stillHeld();
		} catch (error) {
			if (this.lost.signal.aborted || performance.now() - this.writtenAt < DEAD_AFTER_MS - 2 * HEARTBEAT_MS) return;
			this.lose(`its file could not be written for too long (${toBackupError(error).message})`);
		}
	}

	private async refresh(): Promise<void> {
		if (this.lost.signal.aborted) throw this.lost.signal.reason;
		if (this.released) return;
		const { store, key, record, ownerId, context } = this.state;
		const before = await store.stat(key);
		if (!before) throw this.lose('its file has vanished');
		record.heartbeatAt = context.now().toISOString();
		const progress = context.latestProgress?.() ?? null;
		record.progress = progress && { ...progress };
		await writeSmallObject(store, key, record, { signal: NEVER_ABORTED });
		const locks = await findLocks(store, record.name);
		const taker = locks.find((lock) => lock.record?.tookOverFrom.includes(ownerId));
		if (taker) {
			await store.remove(key);
			throw this.lose(`process ${taker.record?.owner.pid} on ${taker.record?.owner.host} took it over`);
		}
		const mine = locks.find((lock) => lock.ownerId === ownerId);
		if (!mine) throw this.lose('its file has vanished');
		// Between the look and the write somebody may have taken the lock, worked under it and released it, leaving no trace.
		const silence = mine.modifiedAt.getTime() - before.modifiedAt.getTime();
		if (silence > DEAD_AFTER_MS) {
			await store.remove(key);
			throw this.lose(`nothing was heard of its holder for ${Math.round(silence / 1000)} seconds`);
		}
		this.storeTime = mine.modifiedAt;
		this.writtenAt = performance.now();
	}

	private lose(why: string): BackupError {
		const error = new BackupError(
			'LOCK_LOST',
			`The lock "${this.state.record.name}" of the store was lost: ${why}.`,
			'Nothing was published. This happens when the machine or the store stood still for more than a minute, or when somebody removed lock files. Run the job again.',
		);
		clearInterval(this.timer);
		this.lost.abort(error);
		return error;
	}
}
