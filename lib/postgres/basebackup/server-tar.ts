import { createHash, type Hash } from 'node:crypto';

const BLOCK = 512;

/** A file as it stands in an archive of the server. */
export interface ArchivedFile {
	readonly bytes: number;
	/** Lower-case hex. */
	readonly sha256: string;
}

/** Bytes that are no tar archive as PostgreSQL's server writes it. `message` completes "the archive base.tar …". */
export class ServerTarError extends Error {
	override readonly name = 'ServerTarError';
}

/** What stands in a header. Nothing of it is checked but that it can be read. */
export interface ArchivedMember {
	/** Without a leading `./` or a slash at the end; empty: the folder itself. */
	readonly path: string;
	readonly type: 'file' | 'directory' | 'symlink';
	readonly bytes: number;
}

export interface ServerTarListener {
	/** A member begins. */
	member?(member: ArchivedMember): void;
	/** Bytes of the file that began last. They are those that were pushed, not a copy, and do not change. */
	content?(bytes: Uint8Array): void;
	/** A file with all its bytes. */
	file(path: string, found: ArchivedFile): void;
	/** Asked after each piece of an archive: resolves when more may come. */
	room?(): Promise<void>;
}

const TYPES: ReadonlyMap<string, ArchivedMember['type']> = new Map([
	['0', 'file'],
	['2', 'symlink'],
	['5', 'directory'],
]);

/**
 * Follows an archive of BASE_BACKUP while its bytes pass, in pieces of any size, and digests each file in it. The server writes plain ustar
 * (src/common/../port/tar.c): files, folders and symbolic links, names of at most 99 bytes, no extensions.
 */
export class ServerTarReader {
	private readonly header = Buffer.alloc(BLOCK);
	private headerBytes = 0;
	private path = '';
	private size = 0;
	/** Bytes of the file, then of its padding, that are still to come. */
	private left = 0;
	private paddingLeft = 0;
	private hash: Hash | undefined;
	private zeroBlocks = 0;

	constructor(private readonly listener: ServerTarListener) {}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length; ) {
			if (this.left > 0) {
				const taken = Math.min(this.left, bytes.length - at);
				const content = bytes.subarray(at, at + taken);
				this.hash?.update(content);
				this.listener.content?.(content);
				this.left -= taken;
				at += taken;
				if (this.left === 0) this.endFile();
			} else if (this.paddingLeft > 0) {
				const taken = Math.min(this.paddingLeft, bytes.length - at);
				this.paddingLeft -= taken;
				at += taken;
			} else {
				const taken = Math.min(BLOCK - this.headerBytes, bytes.length - at);
				this.header.set(bytes.subarray(at, at + taken), this.headerBytes);
				this.headerBytes += taken;
				at += taken;
				if (this.headerBytes === BLOCK) {
					this.headerBytes = 0;
					this.startMember();
				}
			}
		}
	}

	/**
	 * The archive has ended.
	 * @param terminated whether it must have its two blocks of zeros; servers before 15 leave them out
	 */
	end(terminated: boolean): void {
		if (this.left > 0 || this.paddingLeft > 0 || this.headerBytes > 0) throw new ServerTarError('ends in the middle');
		if (terminated && this.zeroBlocks < 2) throw new ServerTarError('has no end mark');
	}

	private startMember(): void {
		const { header } = this;
		if (header.every((byte) => byte === 0)) {
			this.zeroBlocks += 1;
			return;
		}
		if (this.zeroBlocks > 0) throw new ServerTarError('goes on behind its end mark');
		if (header.toString('latin1', 257, 262) !== 'ustar') throw new ServerTarError('holds a header that is not one of ustar');
		if (octal(header, 148, 8) !== checksum(header)) throw new ServerTarError('holds a header with a wrong checksum');
		this.path = text(header, 0, 100).replace(/^\.\//, '');
		const flag = header.toString('latin1', 156, 157);
		const type = TYPES.get(flag);
		if (type === undefined) throw new ServerTarError(`holds ${JSON.stringify(this.path)} of the unknown type ${JSON.stringify(flag)}`);
		this.size = type === 'file' ? number(header, 124, 12) : 0;
		this.listener.member?.({ path: type === 'file' ? this.path : this.path.replace(/\/$/, ''), type, bytes: this.size });
		if (type !== 'file') return;
		this.hash = createHash('sha256');
		this.left = this.size;
		this.paddingLeft = (BLOCK - (this.size % BLOCK)) % BLOCK;
		if (this.left === 0) this.endFile();
	}

	private endFile(): void {
		const sha256 = this.hash?.digest('hex') ?? '';
		this.hash = undefined;
		this.listener.file(this.path, { bytes: this.size, sha256 });
	}
}

function text(header: Buffer, at: number, length: number): string {
	const end = header.indexOf(0, at);
	return header.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

function octal(header: Buffer, at: number, length: number): number {
	const digits = text(header, at, length).trim();
	if (!/^[0-7]+$/.test(digits)) throw new ServerTarError('holds a header with an unreadable number');
	return parseInt(digits, 8);
}

/** Octal, or base 256 where it does not fit. */
function number(header: Buffer, at: number, length: number): number {
	if (header.readUInt8(at) !== 0x80) return octal(header, at, length);
	const value = header.readBigUInt64BE(at + length - 8);
	if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ServerTarError('holds a header with an impossible size');
	return Number(value);
}

function checksum(header: Buffer): number {
	let sum = 0;
	for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 0x20 : header.readUInt8(at);
	return sum;
}
