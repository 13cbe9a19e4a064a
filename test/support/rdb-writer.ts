import { Crc64 } from '../../lib/redis/rdb/crc64';

/** Writes small RDB files of any version, for tests of what no server at hand writes. */
export class RdbWriter {
	private readonly parts: Buffer[] = [];

	constructor(
		private readonly version: number,
		magic = version >= 80 ? `VALKEY${String(version).padStart(3, '0')}` : `REDIS${String(version).padStart(4, '0')}`,
	) {
		this.parts.push(Buffer.from(magic));
	}

	byte(...values: number[]): this {
		this.parts.push(Buffer.from(values));
		return this;
	}

	raw(bytes: Buffer): this {
		this.parts.push(bytes);
		return this;
	}

	length(value: number): this {
		if (value < 64) return this.byte(value);
		if (value < 16384) return this.byte(0x40 | (value >> 8), value & 255);
		const bytes = Buffer.alloc(5);
		bytes[0] = 0x80;
		bytes.writeUInt32BE(value, 1);
		return this.raw(bytes);
	}

	/** A number in the 64-bit form. */
	long(value: bigint): this {
		const bytes = Buffer.alloc(9);
		bytes[0] = 0x81;
		bytes.writeBigUInt64BE(value, 1);
		return this.raw(bytes);
	}

	string(text: string | Buffer): this {
		const bytes = typeof text === 'string' ? Buffer.from(text) : text;
		return this.length(bytes.length).raw(bytes);
	}

	aux(name: string, value: string): this {
		return this.byte(0xfa).string(name).string(value);
	}

	database(index: number): this {
		return this.byte(0xfe).length(index);
	}

	/** The head of a key; its value follows. */
	key(type: number, name: string): this {
		return this.byte(type).string(name);
	}

	expiresAt(milliseconds: number): this {
		const bytes = Buffer.alloc(9);
		bytes[0] = 0xfc;
		bytes.writeBigInt64LE(BigInt(milliseconds), 1);
		return this.raw(bytes);
	}

	/** Nine letters and a version, as the id of a module's type. */
	moduleId(name: string, version: number): this {
		const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
		let id = 0n;
		for (const letter of name) id = (id << 6n) | BigInt(letters.indexOf(letter));
		return this.long((id << 10n) | BigInt(version));
	}

	/** With the end mark and, where the version has one, the checksum. */
	end(checksum: 'right' | 'disabled' = 'right'): Buffer {
		this.byte(0xff);
		const body = Buffer.concat(this.parts);
		if (this.version < 5) return body;
		return Buffer.concat([body, checksum === 'right' ? new Crc64().update(body).digest() : Buffer.alloc(8)]);
	}
}
