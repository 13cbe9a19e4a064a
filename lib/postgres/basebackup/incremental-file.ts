import { basename, dirname, posix } from 'node:path';
import { ServerTarError } from './server-tar';

const MAGIC = 0xd3ae1f0d;
const PREFIX = 'INCREMENTAL.';
const FIXED_BYTES = 12;
/** A relation is stored in files of at most 1 GiB, unless PostgreSQL was built otherwise, which nobody does. */
const LARGEST_FILE = 1024 * 1024 * 1024;

/** The path of the file that an incremental one brings up to date; undefined for a file that is whole. */
export function fileToUpdate(path: string): string | undefined {
	const name = basename(path);
	if (!name.startsWith(PREFIX) || !/^(base|global|pg_tblspc)\//.test(path)) return undefined;
	return posix.join(dirname(path), name.slice(PREFIX.length));
}

export interface IncrementalFileListener {
	/**
	 * The head has been read.
	 * @param keptBytes of the older file so much may still hold, the rest is gone
	 * @param bytes length of the file afterwards
	 * @param blocks how many blocks follow
	 */
	begin(keptBytes: number, bytes: number, blocks: number): void;
	/** Bytes to write; not a copy. */
	write(bytes: Uint8Array, position: number): void;
}

/**
 * Reads a file of an incremental base backup from its bytes as they pass (src/include/backup/basebackup_incremental.h): magic number, count of
 * blocks, length below which older blocks hold, numbers of the blocks in ascending order, zeros up to a multiple of the block size, the blocks.
 */
export class IncrementalFileReader {
	private head: Buffer = Buffer.alloc(FIXED_BYTES);
	private headBytes = 0;
	private blocks: Uint32Array | undefined;
	/** Bytes of blocks so far. */
	private done = 0;
	private keptBlocks = 0;

	/**
	 * @param path for errors
	 * @param bytes length of the incremental file
	 */
	constructor(
		private readonly path: string,
		private readonly bytes: number,
		private readonly blockBytes: number,
		private readonly listener: IncrementalFileListener,
	) {}

	/** @throws ServerTarError for what is no such file */
	push(bytes: Uint8Array): void {
		let rest = bytes;
		while (rest.length > 0 && !this.blocks) {
			const taken = Math.min(rest.length, this.head.length - this.headBytes);
			this.head.set(rest.subarray(0, taken), this.headBytes);
			this.headBytes += taken;
			rest = rest.subarray(taken);
			if (this.headBytes < this.head.length) return;
			if (this.headBytes === FIXED_BYTES) this.readFixed();
			if (this.headBytes === this.head.length) this.readNumbers();
		}
		if (rest.length > 0) this.writeBlocks(rest);
	}

	end(): void {
		if (!this.blocks || this.done !== this.blocks.length * this.blockBytes) throw this.refused('it ends in the middle');
	}

	private readFixed(): void {
		const { head, blockBytes } = this;
		const most = LARGEST_FILE / blockBytes;
		if (head.readUInt32LE(0) !== MAGIC) throw this.refused('it does not begin as one');
		const count = head.readUInt32LE(4);
		// The first minor releases of 17 and 18 tell the first files of a shrunken relation the length of all of it; `pg_combinebackup` refuses these.
		this.keptBlocks = Math.min(head.readUInt32LE(8), most);
		if (count > most) throw this.refused('it is longer than a file of PostgreSQL can be');
		const length = FIXED_BYTES + 4 * count;
		const padded = count === 0 ? length : Math.ceil(length / blockBytes) * blockBytes;
		if (this.bytes !== padded + count * blockBytes) throw this.refused(`it has ${this.bytes} bytes and lists ${count} blocks`);
		this.head = Buffer.concat([head], padded);
	}

	private readNumbers(): void {
		const { head, blockBytes } = this;
		const blocks = new Uint32Array(head.readUInt32LE(4));
		let last = -1;
		for (let at = 0; at < blocks.length; at++) {
			const number = head.readUInt32LE(FIXED_BYTES + 4 * at);
			if (number <= last || number >= LARGEST_FILE / blockBytes) throw this.refused('its block numbers are impossible');
			blocks[at] = last = number;
		}
		this.blocks = blocks;
		this.listener.begin(this.keptBlocks * blockBytes, Math.max(this.keptBlocks, last + 1) * blockBytes, blocks.length);
	}

	/** Blocks that lie side by side go in one piece. */
	private writeBlocks(bytes: Uint8Array): void {
		const { blockBytes, blocks = new Uint32Array() } = this;
		for (let at = 0; at < bytes.length; ) {
			const index = Math.floor(this.done / blockBytes);
			const number = blocks[index];
			if (number === undefined) throw this.refused('it goes on behind its end');
			const inBlock = this.done % blockBytes;
			let run = 1;
			while (run * blockBytes - inBlock < bytes.length - at && blocks[index + run] === number + run) run += 1;
			const taken = Math.min(bytes.length - at, run * blockBytes - inBlock);
			this.listener.write(bytes.subarray(at, at + taken), number * blockBytes + inBlock);
			this.done += taken;
			at += taken;
		}
	}

	private refused(why: string): ServerTarError {
		return new ServerTarError(`holds ${JSON.stringify(this.path)}, which is not an incremental file: ${why}`);
	}
}
