import type { BigIntStats } from 'node:fs';
import { pause } from '../core/abortable';
import { BackupError, throwIfAborted } from '../core/errors';
import { mapInOrder } from '../pipeline/map-in-order';
import { type BytePath, quotePath } from './byte-path';
import { type Candidate, linkKey } from './candidates';
import { decimalSeconds } from './file-time';
import type { FileEntry, IndexEntry, LeftOutReason } from './index-entry';
import type { IndexWriter } from './index-spool';
import type { OwnerNames } from './owner-names';
import { prepare, type PrepareOptions, type Prepared } from './prepare';
import { openRegular, streamFile, type StreamedFile } from './read-file';
import { encodeTarHeader, padding, TAR_END } from './tar-header';
import { type Found, notTaken, type NotTaken } from './walk';

/** Files opened and read at once. */
const PARALLEL = 16;
/** Bytes handed on at once. */
const BLOCK = 256 * 1024;
/** A larger file that changes while it is read is not stored again: each attempt costs its whole size. */
const LARGEST_RETRY = 1024 * 1024 * 1024;
const RETRY_PAUSE_MS = 200;
/** Coarse clocks (FAT, NFS) tick every two seconds. */
const RECENT_NS = 2_000_000_000n;

export interface ArchiveOptions extends PrepareOptions {
	readonly backupId: string;
	readonly owners: OwnerNames;
	readonly index: IndexWriter;
	readonly unreadable: 'fail' | 'name';
	now(): Date;
	onEntry(tree: ArchiveCounts): void;
}

export interface ArchiveCounts {
	files: number;
	folders: number;
	links: number;
	bytes: number;
	carriedFiles: number;
	carriedBytes: number;
	inconsistent: number;
	leftOut: Record<LeftOutReason, number>;
	/** The first few of each reason, as text. */
	named: Map<LeftOutReason | 'inconsistent', string[]>;
}

/** How many names of a kind go into the manifest; all of them are in the index. */
const MOST_NAMED = 20;

/** Writes one archive: what is in the folder becomes a tar stream, an index, and counts. */
export class ArchiveWriter {
	readonly counts: ArchiveCounts = {
		files: 0,
		folders: 0,
		links: 0,
		bytes: 0,
		carriedFiles: 0,
		carriedBytes: 0,
		inconsistent: 0,
		leftOut: { vanished: 0, unreadable: 0, socket: 0, pipe: 0, device: 0, 'other filesystem': 0 },
		named: new Map(),
	};
	private block: Buffer[] = [];
	private held = 0;
	/** The first name of files with several. */
	private readonly firsts = new Map<string, { readonly path: BytePath; readonly size: number; readonly carried: boolean; left: bigint }>();

	constructor(private readonly options: ArchiveOptions) {}

	/** The archive's bytes. */
	async *chunks(candidates: AsyncIterable<Candidate>): AsyncGenerator<Buffer, void, void> {
		const prepared = mapInOrder(candidates, PARALLEL, async (candidate) => ({ candidate, prepared: await prepare(candidate, this.options) }));
		for await (const { candidate, prepared: ready } of prepared) {
			throwIfAborted(this.options.signal);
			yield* this.write(candidate, ready);
			if (this.held >= BLOCK) yield this.flush();
			this.options.onEntry(this.counts);
		}
		this.push(TAR_END);
		yield this.flush();
	}

	private async *write(candidate: Candidate, prepared: Prepared): AsyncGenerator<Buffer, void, void> {
		switch (prepared.kind) {
			case 'leftOut':
				await this.leaveOut(prepared.entry);
				return;
			case 'directory': {
				const entry: IndexEntry = { ...this.common(prepared.found.path, prepared.found.stats), type: 'directory' };
				this.counts.folders += 1;
				this.push(encodeTarHeader({ ...entry, size: 0 }));
				await this.options.index.add(entry);
				return;
			}
			case 'symlink': {
				const entry = { ...this.common(prepared.found.path, prepared.found.stats), type: 'symlink', target: prepared.target } as const;
				this.counts.links += 1;
				const { before } = candidate;
				const same = before?.type === 'symlink' && before.target === entry.target && before.mtime === entry.mtime && before.uid === entry.uid && before.gid === entry.gid;
				if (!same) this.push(encodeTarHeader({ ...entry, size: 0 }));
				await this.options.index.add(entry);
				return;
			}
			case 'link': {
				const first = this.firsts.get(linkKey(prepared.found));
				if (first) await this.writeLink(candidate, prepared.found, first);
				// Its first name was left out, so this one takes its place.
				else yield* this.write(candidate, await prepare({ ...candidate, isLink: false }, this.options));
				return;
			}
			case 'kept':
				await this.keep(prepared.found, prepared.before);
				return;
			case 'whole': {
				const { found, file } = prepared;
				const entry = this.fileEntry(found.path, file.stats, { size: file.content.length, sha256: file.sha256, inconsistent: file.inconsistent, copies: 1 });
				this.push(encodeTarHeader(entry));
				this.push(file.content, Buffer.alloc(padding(entry.size)));
				await this.carried(found, entry);
				return;
			}
			case 'large':
				yield* this.writeLarge(prepared.found);
				return;
		}
	}

	private async writeLink(candidate: Candidate, found: Found, first: { readonly path: BytePath; readonly size: number; readonly carried: boolean; left: bigint }): Promise<void> {
		const entry = { ...this.common(found.path, found.stats), type: 'hardlink', size: first.size, target: first.path } as const;
		const { before } = candidate;
		if (first.carried || before?.type !== 'hardlink' || before.target !== first.path) this.push(encodeTarHeader({ ...entry, size: 0 }));
		this.counts.links += 1;
		first.left -= 1n;
		if (first.left <= 0n) this.firsts.delete(linkKey(found));
		await this.options.index.add(entry);
	}

	private async keep(found: Found, before: FileEntry): Promise<void> {
		const { copies } = before;
		const entry: FileEntry = {
			...this.fileEntry(found.path, found.stats, { size: before.size, sha256: before.sha256, inconsistent: false, copies: copies ?? 1 }),
			in: before.in,
		};
		this.remember(found, entry, false);
		this.counts.files += 1;
		this.counts.bytes += entry.size;
		await this.options.index.add(entry);
	}

	private async *writeLarge(found: Found): AsyncGenerator<Buffer, void, void> {
		const { folder, source, retries, signal } = this.options;
		let entry: FileEntry | undefined;
		for (let attempt = 0; ; attempt++) {
			let opened: Awaited<ReturnType<typeof openRegular>>;
			try {
				opened = await openRegular(source, folder, found.path);
			} catch (error) {
				const reason = notTaken(found.path, error);
				if (entry === undefined) return await this.leaveOut(reason);
				break;
			}
			const { file, stats } = opened;
			try {
				const provisional = this.fileEntry(found.path, stats, { size: Number(stats.size), sha256: '', inconsistent: false, copies: attempt + 1 });
				this.push(encodeTarHeader(provisional));
				yield this.flush();
				const streamed: StreamedFile = yield* streamFile(file, stats, signal);
				if (streamed.failed !== undefined && this.options.unreadable === 'fail') throw unreadable(found.path, streamed.failed);
				this.push(Buffer.alloc(padding(provisional.size)));
				entry = { ...provisional, sha256: streamed.sha256, ...(!streamed.consistent && { inconsistent: true as const }) };
			} finally {
				await file.close();
			}
			if (entry.inconsistent !== true || attempt >= retries || entry.size > LARGEST_RETRY) break;
			await pause(RETRY_PAUSE_MS * (attempt + 1), signal);
		}
		await this.carried(found, entry);
	}

	private async carried(found: Found, entry: FileEntry): Promise<void> {
		this.remember(found, entry, true);
		this.counts.files += 1;
		this.counts.bytes += entry.size;
		this.counts.carriedFiles += 1;
		this.counts.carriedBytes += entry.size;
		if (entry.inconsistent === true) {
			this.counts.inconsistent += 1;
			this.name('inconsistent', quotePath(entry.path));
		}
		await this.options.index.add(entry);
	}

	private remember(found: Found, entry: FileEntry, carried: boolean): void {
		if (entry.nlink > 1) this.firsts.set(linkKey(found), { path: entry.path, size: entry.size, carried, left: found.stats.nlink - 1n });
	}

	private async leaveOut(entry: NotTaken): Promise<void> {
		if (entry.reason === 'unreadable' && this.options.unreadable === 'fail') throw unreadable(entry.path, entry.detail ?? 'unknown reason');
		this.counts.leftOut[entry.reason] += 1;
		this.name(entry.reason, quotePath(entry.path));
		await this.options.index.add({ path: entry.path, type: 'leftOut', reason: entry.reason });
	}

	private name(reason: LeftOutReason | 'inconsistent', path: string): void {
		const names = this.counts.named.get(reason) ?? [];
		if (names.length < MOST_NAMED) names.push(path);
		this.counts.named.set(reason, names);
	}

	private fileEntry(path: BytePath, stats: BigIntStats, content: { size: number; sha256: string; inconsistent: boolean; copies: number }): FileEntry {
		const age = BigInt(this.options.now().getTime()) * 1_000_000n - stats.ctimeNs;
		return {
			...this.common(path, stats),
			type: 'file',
			size: content.size,
			sha256: content.sha256,
			in: this.options.backupId,
			...(content.copies > 1 && { copies: content.copies }),
			...(content.inconsistent && { inconsistent: true as const }),
			...(stats.blocks * 512n < stats.size && { sparse: true as const }),
			...(age < RECENT_NS && { recent: true as const }),
		};
	}

	private common(path: BytePath, stats: BigIntStats) {
		const { owners } = this.options;
		const [uid, gid] = [Number(stats.uid), Number(stats.gid)];
		const user = owners.user(uid);
		const group = owners.group(gid);
		return {
			path,
			mode: Number(stats.mode & 0o7777n),
			uid,
			gid,
			...(user !== undefined && { user }),
			...(group !== undefined && { group }),
			mtime: decimalSeconds(stats.mtimeNs),
			ctime: decimalSeconds(stats.ctimeNs),
			dev: stats.dev.toString(),
			ino: stats.ino.toString(),
			nlink: Number(stats.nlink),
		};
	}

	private push(...parts: Buffer[]): void {
		for (const part of parts) {
			this.block.push(part);
			this.held += part.length;
		}
	}

	private flush(): Buffer {
		const block = Buffer.concat(this.block, this.held);
		this.block = [];
		this.held = 0;
		return block;
	}
}

function unreadable(path: BytePath, reason: string): BackupError {
	return new BackupError(
		'FILES_UNREADABLE',
		`${quotePath(path)} cannot be read (${reason}).`,
		'Give the user that n8n runs as the right to read it, exclude it by a pattern, or choose that unreadable files are named in the backup and left out.',
	);
}
