/** The reflected polynomial of CRC-64/Jones, as Redis uses it for RDB files and DUMP payloads (`crc64.c`). */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

/** Eight tables of 256 entries (slicing-by-8), each entry as two 32-bit halves: BigInt would be a hundred times slower. */
const LOW = new Uint32Array(2048);
const HIGH = new Uint32Array(2048);
fillTables();

function fillTables(): void {
	for (let byte = 0; byte < 256; byte++) {
		let value = BigInt(byte);
		for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
		LOW[byte] = Number(value & 0xffffffffn);
		HIGH[byte] = Number(value >> 32n);
	}
	for (let at = 256; at < 2048; at++) {
		const low = entry(LOW, at - 256);
		const high = entry(HIGH, at - 256);
		LOW[at] = ((low >>> 8) | (high << 24)) ^ entry(LOW, low & 255);
		HIGH[at] = (high >>> 8) ^ entry(HIGH, low & 255);
	}
}

/** Typed arrays of a known size: an index out of range cannot happen here. */
function entry(table: Uint32Array, at: number): number {
	return table[at] as number;
}

/** A running CRC-64 of the bytes given so far. */
export class Crc64 {
	private low = 0;
	private high = 0;

	update(bytes: Uint8Array, start = 0, end = bytes.length): this {
		let { low, high } = this;
		let at = start;
		for (; at + 8 <= end; at += 8) {
			low ^= (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
			high ^= (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8) | ((bytes[at + 6] as number) << 16) | ((bytes[at + 7] as number) << 24);
			const a = 1792 + (low & 255);
			const b = 1536 + ((low >>> 8) & 255);
			const c = 1280 + ((low >>> 16) & 255);
			const d = 1024 + (low >>> 24);
			const e = 768 + (high & 255);
			const f = 512 + ((high >>> 8) & 255);
			const g = 256 + ((high >>> 16) & 255);
			const h = high >>> 24;
			low = entry(LOW, a) ^ entry(LOW, b) ^ entry(LOW, c) ^ entry(LOW, d) ^ entry(LOW, e) ^ entry(LOW, f) ^ entry(LOW, g) ^ entry(LOW, h);
			high = entry(HIGH, a) ^ entry(HIGH, b) ^ entry(HIGH, c) ^ entry(HIGH, d) ^ entry(HIGH, e) ^ entry(HIGH, f) ^ entry(HIGH, g) ^ entry(HIGH, h);
		}
		for (; at < end; at++) {
			const index = (low ^ (bytes[at] as number)) & 255;
			low = ((low >>> 8) | (high << 24)) ^ entry(LOW, index);
			high = (high >>> 8) ^ entry(HIGH, index);
		}
		this.low = low;
		this.high = high;
		return this;
	}

	/** The eight bytes as RDB files and DUMP payloads hold them: little-endian. */
	digest(): Buffer {
		const bytes = Buffer.alloc(8);
		bytes.writeInt32LE(this.low | 0, 0);
		bytes.writeInt32LE(this.high | 0, 4);
		return bytes;
	}
}
