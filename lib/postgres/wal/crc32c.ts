/** The reflected polynomial of CRC-32C (Castagnoli), which PostgreSQL puts into every WAL record (`pg_crc32c.h`). */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 entries (slicing-by-8). */
const TABLE = new Int32Array(2048);
for (let byte = 0; byte < 256; byte++) {
	let value = byte;
	for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
	TABLE[byte] = value;
}
for (let at = 256; at < 2048; at++) {
	const before = TABLE[at - 256] as number;
	TABLE[at] = (before >>> 8) ^ (TABLE[before & 255] as number);
}

/** What `crc32c` continues from, and what its last result is combined with, is turned around (`INIT_CRC32C`, `FIN_CRC32C`). */
export const CRC32C_START = -1;

/** Goes on with a CRC-32C; start with `CRC32C_START`, and turn all bits of the last result around. */
export function crc32c(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
	let value = crc;
	let at = start;
	for (; at + 8 <= end; at += 8) {
		value ^= (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
		value =
			(TABLE[1792 + (value & 255)] as number) ^
			(TABLE[1536 + ((value >>> 8) & 255)] as number) ^
			(TABLE[1280 + ((value >>> 16) & 255)] as number) ^
			(TABLE[1024 + (value >>> 24)] as number) ^
			(TABLE[768 + (bytes[at + 4] as number)] as number) ^
			(TABLE[512 + (bytes[at + 5] as number)] as number) ^
			(TABLE[256 + (bytes[at + 6] as number)] as number) ^
			(TABLE[bytes[at + 7] as number] as number);
	}
	for (; at < end; at++) value = (value >>> 8) ^ (TABLE[(value ^ (bytes[at] as number)) & 255] as number);
	return value;
}
