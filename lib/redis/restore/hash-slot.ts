import { CLUSTER_SLOTS } from '../topology';

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** CRC-16/XMODEM, polynomial 0x1021. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
	let value = byte << 8;
	for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1;
	return value;
});

/** The slot of a key: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model */
export function hashSlot(key: Buffer): number {
	let crc = 0;
	for (const byte of hashedPart(key)) crc = ((crc << 8) ^ (TABLE[((crc >> 8) ^ byte) & 255] as number)) & 0xffff;
	return crc % CLUSTER_SLOTS;
}

/** What is between the first brace and the next closing one, where there is anything. */
function hashedPart(key: Buffer): Buffer {
	const open = key.indexOf(OPEN);
	if (open < 0) return key;
	const close = key.indexOf(CLOSE, open + 1);
	return close > open + 1 ? key.subarray(open + 1, close) : key;
}
