import { performance } from 'node:perf_hooks';
import { timelineFolder } from '../catalog/layout';
import { readSmallObject, once } from '../catalog/small-object';
import type { WalRecord } from '../catalog/wal-manifest';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted } from '../core/errors';
import { timelineName } from '../postgres/replication/wal-segment';
import { chosenServers } from '../postgres/wal/archived-servers';
import { listWal, readWalRecord, walLockName, type WalObject } from '../postgres/wal/wal-archive';
import type { Store } from '../storage/store';
import { copyObject, isIntact, type ObjectCopy } from './copy-object';

export interface CopyWalOptions {
	readonly source: Store;
	readonly target: Store;
	/** Of one server; all when left out. */
	readonly systemIdentifier?: string;
	/** Only what was archived within the last so many hours: as many as the target keeps, or what was pruned there comes back. */
	readonly withinHours?: number;
	/** Read every byte of what is in the target already, and copy again what is damaged. */
	readonly recheck: boolean;
	/** How long to wait in the target for another run that writes WAL of the server. */
	readonly lockWaitSeconds: number;
}

export interface CopyWalOutcome {
	readonly source: string;
	readonly target: string;
	readonly servers: { readonly systemIdentifier: string; readonly copied: number; readonly present: number }[];
	readonly copied: number;
	readonly copiedBytes: number;
	/** Bytes that an interrupted copy had brought already; they were read and compared. */
	readonly reusedBytes: number;
	readonly durationSeconds: number;
}

const HOUR_MS = 3_600_000;
const PARALLEL = 4;
const PIECE = /^([0-9A-F]{24})\.from-/;

/**
 * Brings archived WAL into another store as it is stored: each object read back there, its record last and byte for byte the same. Nothing is
 * decrypted. An interrupted copy goes on where it stopped. Pieces whose whole segment is archived are passed over.
 * @throws BackupError `ARTIFACT_DAMAGED`, `WAL_INVALID` when the target holds other bytes under the same name, `LOCK_HELD`, the stores' errors
 */
export async function copyWal(options: CopyWalOptions, context: JobContext): Promise<CopyWalOutcome> {
	const startedAt = performance.now();
	const { source, target } = options;
	const servers: CopyWalOutcome['servers'] = [];
	let copiedBytes = 0;
	let reusedBytes = 0;
	for (const systemIdentifier of await chosenServers(source, options.systemIdentifier)) {
		const request = { name: walLockName(systemIdentifier), mode: 'exclusive' as const, purpose: `copying WAL here from ${source.description}`, waitSeconds: options.lockWaitSeconds };
		await withLock(target, context, request, async (_lock, signal) => {
			const run = new ServerCopy(options, systemIdentifier, { ...context, signal });
			await run.copyAll();
			servers.push({ systemIdentifier, copied: run.copied, present: run.present });
			copiedBytes += run.copiedBytes;
			reusedBytes += run.reusedBytes;
		});
	}
	const copied = servers.reduce((sum, server) => sum + server.copied, 0);
	return { source: source.description, target: target.description, servers, copied, copiedBytes, reusedBytes, durationSeconds: Math.round(performance.now() - startedAt) / 1000 };
}

class ServerCopy {
	copied = 0;
	present = 0;
	copiedBytes = 0;
	reusedBytes = 0;

	constructor(
		private readonly options: CopyWalOptions,
		private readonly systemIdentifier: string,
		private readonly context: JobContext,
	) {}

	async copyAll(): Promise<void> {
		const { source, target } = this.options;
		const there = new Set<string>();
		for await (const { recordKey } of listWal(target, this.systemIdentifier)) there.add(recordKey);
		const wanted = await this.wanted(source);
		// The oldest first: an interruption leaves no gap.
		for (let at = 0; at < wanted.length; at += PARALLEL) {
			throwIfAborted(this.context.signal);
			this.context.progress({ step: `Copying WAL of ${this.systemIdentifier}`, done: at, total: wanted.length, unit: 'files' });
			await Promise.all(wanted.slice(at, at + PARALLEL).map(async (object) => await this.copyOne(object, there.has(object.recordKey))));
		}
	}

	private async wanted(source: Store): Promise<WalObject[]> {
		const objects: WalObject[] = [];
		for await (const object of listWal(source, this.systemIdentifier)) objects.push(object);
		const whole = new Set(objects.map(({ name }) => name));
		const newest = objects.reduce((latest, { archivedAt }) => Math.max(latest, archivedAt.getTime()), 0);
		const since = this.options.withinHours === undefined ? -Infinity : newest - this.options.withinHours * HOUR_MS;
		return objects
			.filter(({ name, archivedAt }) => (archivedAt.getTime() >= since || name.endsWith('.history')) && !whole.has(PIECE.exec(name)?.[1] ?? ''))
			.sort((a, b) => a.timeline - b.timeline || (a.name < b.name ? -1 : 1));
	}

	private async copyOne(object: WalObject, present: boolean): Promise<void> {
		const { source, target, recheck } = this.options;
		if (present && !recheck) {
			this.present += 1;
			return;
		}
		const { name, timeline, recordKey } = object;
		const { signal } = this.context;
		const place = { name, timeline, systemIdentifier: this.systemIdentifier };
		const text = await readSmallObject(source, recordKey, signal);
		const record = await readWalRecord(source, place, signal);
		// A piece that was completed, or pruned, since it was listed.
		if (text === undefined || !record) return;
		const known = present ? await readWalRecord(target, place, signal) : undefined;
		if (known) {
			if (known.artifact.sourceSha256 !== record.artifact.sourceSha256) throw this.otherBytes(name);
			// It may have been archived there by itself, with another key.
			if (await isIntact(this.objectCopy(known))) {
				this.present += 1;
				return;
			}
		}
		const copy = this.objectCopy(record);
		const outcome = await copyObject(copy);
		if (outcome === 'copied') this.copiedBytes += copy.bytes;
		else this.reusedBytes += copy.bytes;
		await target.put(recordKey, once(Buffer.from(text)), { signal, immutable: record.content !== 'piece' });
		this.copied += 1;
	}

	private objectCopy({ timeline, artifact }: WalRecord): ObjectCopy {
		const { source, target } = this.options;
		const key = timelineFolder(this.systemIdentifier, timelineName(timeline)) + artifact.name;
		return { source, target, key, bytes: artifact.storedBytes, sha256: artifact.storedSha256, signal: this.context.signal, onBytes: () => undefined };
	}

	private otherBytes(name: string): BackupError {
		return new BackupError(
			'WAL_INVALID',
			`The target store (${this.options.target.description}) holds other bytes of ${name} of the server ${this.systemIdentifier} than the source store (${this.options.source.description}).`,
			'Two servers that come from one another were archived under the same name, e.g. both sides of a failed switch. Compare both archives; nothing was overwritten.',
		);
	}
}
