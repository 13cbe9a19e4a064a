/**
 * The frame index at the end of a file in the "zstd seekable format", version 0.1.0
 * (contrib/seekable_format/zstd_seekable_compression_format.md in the zstd sources): a skippable frame, which every
 * zstd decoder passes over. With it a reader can fetch single frames by range.
 */
export interface SeekTableEntry {
	readonly storedBytes: number;
	readonly sourceBytes: number;
}

export const SKIPPABLE_MAGIC = 0x184d2a5e;
export const SEEKABLE_MAGIC = 0x8f92eab1;
const ENTRY_BYTES = 8;
const FOOTER_BYTES = 9;

/** The format allows no more; a table beyond it is left out, which costs random access only. */
export const MAX_SEEK_ENTRIES = 0x8000000;

export function encodeSeekTable(entries: readonly SeekTableEntry[]): Buffer {
	const contentBytes = entries.length * ENTRY_BYTES + FOOTER_BYTES;
	const table = Buffer.alloc(8 + contentBytes);
	let offset = table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
	offset = table.writeUInt32LE(contentBytes, offset);
	for (const entry of entries) {
		offset = table.writeUInt32LE(entry.storedBytes, offset);
		offset = table.writeUInt32LE(entry.sourceBytes, offset);
	}
	offset = table.writeUInt32LE(entries.length, offset);
	// Seek table descriptor: no checksums in the entries, each frame carries its own.
	offset = table.writeUInt8(0, offset);
	table.writeUInt32LE(SEEKABLE_MAGIC, offset);
	return table;
}

/** Reads a seek table from the skippable frame that holds it, or `undefined` when `frame` is not one. */
export function decodeSeekTable(frame: Buffer): SeekTableEntry[] | undefined {
	if (frame.length < 8 + FOOTER_BYTES || frame.readUInt32LE(0) !== SKIPPABLE_MAGIC) return undefined;
	if (frame.readUInt32LE(frame.length - 4) !== SEEKABLE_MAGIC) return undefined;
	const count = frame.readUInt32LE(frame.length - FOOTER_BYTES);
	const entryBytes = (frame.readUInt8(frame.length - 5) & 0x80) === 0 ? ENTRY_BYTES : ENTRY_BYTES + 4;
	if (frame.readUInt32LE(4) !== frame.length - 8 || count * entryBytes + FOOTER_BYTES !== frame.length - 8) return undefined;
	return Array.from({ length: count }, (_, index) => ({
		storedBytes: frame.readUInt32LE(8 + index * entryBytes),
		sourceBytes: frame.readUInt32LE(12 + index * entryBytes),
	}));
}
