import { decompressLzf } from './lzf';
import { RdbError } from './rdb-error';

const NOTHING = Buffer.alloc(0);

/**
 * Reads tokens from bytes that arrive in pieces. A reader that lacks bytes yields `undefined`, states in `wanted` how many the token needs at least, and
 * the caller goes back to where the token began. So a token is read once all of it is there, and everything else goes by without being gathered.
 */
export class ByteCursor {
	data: Buffer = NOTHING;
	at = 0;
	/** Bytes from the start of the token that it needs at least, for the caller to gather; 0: one more will do. */
	wanted = 0;
	/** Set by `length`: the number was no length but an encoding of a string. */
	encoded = false;
	private tokenStart = 0;
	private gathered: Buffer[] = [];
	private gatheredBytes = 0;

	/** Takes more bytes. @returns false while the pending token still lacks some */
	append(chunk: Buffer): boolean {
		if (this.gathered.length === 0 && this.data.length === 0) {
			this.data = chunk;
			return true;
		}
		if (this.gathered.length === 0) {
			this.gathered.push(this.data);
			this.gatheredBytes = this.data.length;
		}
		this.gathered.push(chunk);
		this.gatheredBytes += chunk.length;
		if (this.gatheredBytes < this.wanted) return false;
		this.data = Buffer.concat(this.gathered, this.gatheredBytes);
		this.gathered = [];
		return true;
	}

	/** Keeps what has not been read, as a copy: the source may reuse the memory of its chunks. */
	keepRest(): void {
		this.data = this.at === this.data.length ? NOTHING : Buffer.from(this.data.subarray(this.at));
		this.at = 0;
	}

	begin(): void {
		this.tokenStart = this.at;
		this.wanted = 0;
	}

	/** Goes back to where the token began. */
	rewind(): void {
		this.at = this.tokenStart;
	}

	has(bytes: number): boolean {
		if (this.at + bytes <= this.data.length) return true;
		this.wanted = Math.max(this.wanted, this.at + bytes - this.tokenStart);
		return false;
	}

	byte(): number | undefined {
		return this.has(1) ? this.data[this.at++] : undefined;
	}

	bytes(count: number): Buffer | undefined {
		if (!this.has(count)) return undefined;
		const from = this.at;
		this.at += count;
		return this.data.subarray(from, this.at);
	}

	/** The length encoding (`rdbLoadLenByRef`): 6, 14, 32 or 64 bits, big-endian, or the number of a string encoding. */
	length(): number | undefined {
		if (!this.has(1)) return undefined;
		const first = this.data[this.at] as number;
		this.encoded = false;
		switch (first >> 6) {
			case 0:
				this.at += 1;
				return first & 63;
			case 1: {
				if (!this.has(2)) return undefined;
				const value = ((first & 63) << 8) | (this.data[this.at + 1] as number);
				this.at += 2;
				return value;
			}
			case 2:
				return this.longLength(first);
			default:
				this.at += 1;
				this.encoded = true;
				return first & 63;
		}
	}

	private longLength(first: number): number | undefined {
		if (first === 0x80) {
			if (!this.has(5)) return undefined;
			const value = this.data.readUInt32BE(this.at + 1);
			this.at += 5;
			return value;
		}
		if (first === 0x81) {
			if (!this.has(9)) return undefined;
			// Beyond 2^53 it is no length but an id of a module or of a stream entry, whose digits nobody counts with.
			const value = Number(this.data.readBigUInt64BE(this.at + 1));
			this.at += 9;
			return value;
		}
		throw new RdbError('damaged', `a length begins with the byte 0x${first.toString(16)}, which means nothing`);
	}

	/** The contents of a string of any encoding. */
	string(): Buffer | undefined {
		const length = this.length();
		if (length === undefined) return undefined;
		if (!this.encoded) return this.bytes(plausible(length));
		switch (length) {
			case 0:
				return this.has(1) ? Buffer.from(String(this.data.readInt8((this.at += 1) - 1))) : undefined;
			case 1:
				return this.has(2) ? Buffer.from(String(this.data.readInt16LE((this.at += 2) - 2))) : undefined;
			case 2:
				return this.has(4) ? Buffer.from(String(this.data.readInt32LE((this.at += 4) - 4))) : undefined;
			case 3: {
				const compressed = this.length();
				const plain = compressed === undefined ? undefined : this.length();
				if (compressed === undefined || plain === undefined) return undefined;
				const bytes = this.bytes(plausible(compressed));
				return bytes && decompressLzf(bytes, plausible(plain));
			}
			default:
				throw unknownEncoding(length);
		}
	}

	/** How many bytes of a string follow its head, which is read; so that they can be skipped. */
	stringBytes(): number | undefined {
		const length = this.length();
		if (length === undefined || !this.encoded) return length;
		switch (length) {
			case 0:
				return 1;
			case 1:
				return 2;
			case 2:
				return 4;
			case 3: {
				const compressed = this.length();
				return compressed === undefined || this.length() === undefined ? undefined : compressed;
			}
			default:
				throw unknownEncoding(length);
		}
	}
}

/** Redis takes no string above 512 MiB unless told so; a length beyond any memory is damage, not data. */
const LONGEST_HELD = 1024 ** 3;

function plausible(bytes: number): number {
	if (bytes <= LONGEST_HELD) return bytes;
	throw new RdbError('damaged', `a string claims to be ${bytes} bytes long`);
}

function unknownEncoding(encoding: number): RdbError {
	return new RdbError('damaged', `a string has the encoding ${encoding}, which means nothing`);
}
