import type { Readable } from 'node:stream';
import { BackupError } from '../../lib/core/errors';
import type { GetOptions, Protection, PutOptions, Store, StoredObject } from '../../lib/storage/store';

/**
 * How a call goes wrong. `before`: nothing happened. `after`: it happened, but the answer was lost.
 * `midway`: a put fails when it has taken the first chunk, anything else like `before`.
 */
export type FaultMode = 'before' | 'midway' | 'after';

export interface Fault {
	/** Which call, counted from 1. */
	readonly position: number;
	readonly mode: FaultMode;
	/** Whether every later call fails too: the store is gone for good. */
	readonly lasting?: boolean;
}

/** Passes everything on to another store and lets chosen calls fail. */
export class FaultyStore implements Store {
	/** Every call so far, e.g. `put status/last-run/x.json`. */
	readonly calls: string[] = [];
	private readonly fault: Fault | undefined;

	constructor(
		private readonly inner: Store,
		fault?: Fault,
	) {
		this.fault = fault;
	}

	get description(): string {
		return this.inner.description;
	}

	async put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<number> {
		const failing = this.count(`put ${key}`);
		return await this.run(failing, () => this.inner.put(key, failing === 'midway' ? brokenAfterFirst(source) : source, options));
	}

	async get(key: string, options: GetOptions): Promise<Readable> {
		return await this.run(this.count(`get ${key}`), () => this.inner.get(key, options));
	}

	async stat(key: string): Promise<StoredObject | undefined> {
		return await this.run(this.count(`stat ${key}`), () => this.inner.stat(key));
	}

	async *list(prefix: string): AsyncGenerator<StoredObject, void, void> {
		const failing = this.count(`list ${prefix}`);
		if (failing === 'before' || failing === 'midway') throw outage();
		yield* this.inner.list(prefix);
		if (failing) throw outage();
	}

	async *listUnfinished(prefix: string): AsyncGenerator<StoredObject, void, void> {
		if (this.count(`listUnfinished ${prefix}`)) throw outage();
		yield* this.inner.listUnfinished(prefix);
	}

	async listFolders(prefix: string): Promise<string[]> {
		return await this.run(this.count(`listFolders ${prefix}`), () => this.inner.listFolders(prefix));
	}

	async remove(key: string): Promise<void> {
		await this.run(this.count(`remove ${key}`), () => this.inner.remove(key));
	}

	async protection(key: string): Promise<Protection | undefined> {
		return await this.run(this.count(`protection ${key}`), () => this.inner.protection(key));
	}

	async freeBytes(): Promise<number | undefined> {
		return await this.run(this.count('freeBytes'), () => this.inner.freeBytes());
	}

	async check(signal: AbortSignal): Promise<void> {
		await this.run(this.count('check'), () => this.inner.check(signal));
	}

	async removeUnfinished(prefix: string, olderThan: Date): Promise<StoredObject[]> {
		return await this.run(this.count(`removeUnfinished ${prefix}`), () => this.inner.removeUnfinished(prefix, olderThan));
	}

	private count(call: string): FaultMode | undefined {
		this.calls.push(call);
		if (!this.fault) return undefined;
		const hit = this.fault.lasting ? this.calls.length >= this.fault.position : this.calls.length === this.fault.position;
		return hit ? this.fault.mode : undefined;
	}

	private async run<T>(failing: FaultMode | undefined, call: () => Promise<T>): Promise<T> {
		if (failing === 'before') throw outage();
		const result = await call();
		if (failing) throw outage();
		return result;
	}
}

function outage(): BackupError {
	return new BackupError('STORE_UNAVAILABLE', 'The store failed on purpose.', 'This is a test.');
}

async function* brokenAfterFirst(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
	for await (const chunk of source) {
		yield chunk.subarray(0, Math.ceil(chunk.byteLength / 2));
		throw outage();
	}
	throw outage();
}
