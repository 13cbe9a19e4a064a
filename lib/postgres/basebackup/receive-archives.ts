import { BackupError } from '../../core/errors';
import { FrameBuffers } from '../../pipeline/frame-buffers';
import type { CopyHandler } from '../replication/frame-splitter';
import { Backpressure, Channel } from './byte-channel';

/** What the server sends, one after the other: archives of tablespaces, that of the data directory, and the manifest last. */
export interface ReceivedArchive {
	readonly content: 'data' | 'tablespace' | 'manifest';
	/** Of a tablespace. */
	readonly oid: number | undefined;
	/** The server compressed it: one zstd frame. */
	readonly compressed: boolean;
	/** Chunks are valid until the next one is asked for, because their memory is used again; those of a compressed archive may be kept: a store gets them as they are. */
	readonly bytes: AsyncIterable<Buffer>;
}

/** A tablespace other than `pg_default` and `pg_global`, as the server announces it. */
export interface AnnouncedTablespace {
	readonly oid: number;
	readonly location: string;
}

/** What the server says before the first archive. */
export interface Announcement {
	readonly startLsn: string;
	readonly timeline: number;
	readonly tablespaces: readonly AnnouncedTablespace[];
	/** Estimated, without WAL. */
	readonly bytes: number;
}

const MANIFEST = 'm'.charCodeAt(0);
const ARCHIVE = 'n'.charCodeAt(0);
const DATA = 'd'.charCodeAt(0);
const PROGRESS = 'p'.charCodeAt(0);
const MOST_NAME_BYTES = 16 * 1024;
/** What comes in is handed on in blocks of this size: large enough that passing them on costs little. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Takes the COPY data of BASE_BACKUP apart (https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP).
 * From PostgreSQL 15 on all comes in one COPY whose messages begin with a letter; before, each archive is a COPY of its own.
 */
export class ArchiveReceiver implements CopyHandler {
	readonly archives = new Channel<ReceivedArchive>();
	announcement: Announcement | undefined;
	private readonly backpressure: Backpressure;
	private current: Channel<Buffer> | undefined;
	private readonly blocks = new FrameBuffers(BLOCK_BYTES);
	private block: Buffer | undefined;
	private filled = 0;
	private message = 0;
	private small: Buffer[] = [];
	private smallBytes = 0;
	private position: { lsn: string; timeline: number } | undefined;
	/** Archives begun so far. */
	private begun = 0;
	/** Why the copy failed: what reads the archives may throw its own error for it. */
	failure: { readonly error: unknown } | undefined;

	constructor(
		private readonly serverMajor: number,
		flow: { pause(): void; resume(): void },
	) {
		this.backpressure = new Backpressure(() => flow.pause(), () => flow.resume());
	}

	rows({ fields, rows }: { readonly fields: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] }): void {
		const [first] = rows;
		if (this.announcement) return;
		if (!this.position) {
			this.position = { lsn: first?.[0] ?? '', timeline: Number(first?.[1] ?? 0) };
			return;
		}
		const at = (name: string) => fields.indexOf(name);
		this.announcement = {
			startLsn: this.position.lsn,
			timeline: this.position.timeline,
			bytes: rows.reduce((total, row) => total + Number(row[at('size')] ?? 0) * 1024, 0),
			tablespaces: rows.flatMap((row) => {
				const oid = row[at('spcoid')];
				return oid === null || oid === undefined ? [] : [{ oid: Number(oid), location: row[at('spclocation')] ?? '' }];
			}),
		};
	}

	piece(bytes: Buffer, first: boolean, last: boolean): void {
		if (this.serverMajor < 15) {
			this.current ??= this.beginUnnamed();
			this.data(bytes);
			return;
		}
		let rest = bytes;
		if (first) {
			this.message = bytes.readUInt8(0);
			this.small = [];
			this.smallBytes = 0;
			rest = bytes.subarray(1);
		}
		if (this.message === DATA) return this.data(rest);
		this.small.push(Buffer.from(rest));
		this.smallBytes += rest.length;
		if (this.smallBytes > MOST_NAME_BYTES) throw unexpected('a message that is too long');
		if (last) this.control(Buffer.concat(this.small));
	}

	done(): void {
		this.endArchive();
	}

	/** No more comes. */
	end(): void {
		this.endArchive();
		this.archives.end();
	}

	fail(error: unknown): void {
		this.failure ??= { error };
		this.current?.fail(error);
		this.archives.fail(error);
	}

	private data(bytes: Buffer): void {
		for (let at = 0; at < bytes.length; ) {
			if (!this.current) throw unexpected('data before the name of an archive');
			const block = (this.block ??= this.blocks.take());
			const copied = bytes.copy(block, this.filled, at);
			at += copied;
			this.filled += copied;
			if (this.filled === BLOCK_BYTES) this.handOn();
		}
	}

	private handOn(): void {
		const { block, filled } = this;
		if (!block || !this.current) return;
		this.block = undefined;
		this.filled = 0;
		this.current.push(block.subarray(0, filled));
		this.backpressure.add(filled);
	}

	private endArchive(): void {
		this.handOn();
		this.current?.end();
		this.current = undefined;
	}

	private control(message: Buffer): void {
		switch (this.message) {
			case ARCHIVE: {
				const name = message.toString('utf8', 0, Math.max(0, message.indexOf(0)));
				const [, base, oid, suffix] = /^(?:(base)|(\d{1,10}))\.tar(\.zst)?$/.exec(name) ?? [];
				if (base === undefined && oid === undefined) throw unexpected(`an archive named ${JSON.stringify(name)}`);
				const compressed = suffix !== undefined;
				this.current = oid === undefined ? this.begin('data', { compressed }) : this.begin('tablespace', { oid: Number(oid), compressed });
				return;
			}
			case MANIFEST:
				this.current = this.begin('manifest');
				return;
			case PROGRESS:
				return;
			default:
				throw unexpected(`a message of the unknown kind ${JSON.stringify(String.fromCharCode(this.message))}`);
		}
	}

	/** Before 15: tablespaces in the order in which they were announced, the data directory being the one without a number; then the manifest. */
	private beginUnnamed(): Channel<Buffer> {
		const tablespaces = this.announcement?.tablespaces ?? [];
		const at = this.begun;
		const tablespace = tablespaces[at];
		if (tablespace) return this.begin('tablespace', { oid: tablespace.oid });
		return this.begin(at === tablespaces.length ? 'data' : 'manifest');
	}

	private begin(content: ReceivedArchive['content'], { oid, compressed = false }: { oid?: number; compressed?: boolean } = {}): Channel<Buffer> {
		if (!this.announcement) throw unexpected('an archive before the list of tablespaces');
		this.endArchive();
		this.begun += 1;
		const bytes = new Channel<Buffer>(
			(chunk) => this.backpressure.take(chunk.length),
			(chunk) => (compressed ? undefined : this.blocks.giveBack(chunk)),
		);
		this.archives.push({ content, oid, compressed, bytes });
		return bytes;
	}
}

function unexpected(what: string): BackupError {
	return new BackupError('SERVER_ERROR', `The server sent ${what} during the base backup, which this version does not know.`, 'Look for an update of the package. Nothing was published.');
}
