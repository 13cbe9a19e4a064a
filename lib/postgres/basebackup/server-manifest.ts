import { createHash } from 'node:crypto';
import { z } from 'zod';

const fileSchema = z.looseObject({
	Path: z.string().optional(),
	'Encoded-Path': z.string().regex(/^([0-9a-f]{2})+$/i).optional(),
	Size: z.number().int().nonnegative(),
	'Checksum-Algorithm': z.string().optional(),
	Checksum: z.string().optional(),
});

const rangeSchema = z.looseObject({ Timeline: z.number().int().positive(), 'Start-LSN': z.string(), 'End-LSN': z.string() });

/** One line of the list of files. */
export interface ManifestFile {
	/** Relative to the data directory; files of tablespaces are below `pg_tblspc/<oid>/`. */
	readonly path: string;
	readonly bytes: number;
	/** Lower-case hex; null where the manifest holds another checksum, or none. */
	readonly sha256: string | null;
}

export interface WalRange {
	readonly timeline: number;
	readonly startLsn: string;
	readonly endLsn: string;
}

/** What stands in a manifest besides the files. */
export interface ManifestFacts {
	readonly version: number;
	/** From version 2 (PostgreSQL 17) on. */
	readonly systemIdentifier: string | undefined;
	readonly files: number;
	readonly bytes: number;
	readonly walRanges: readonly WalRange[];
}

/** A `backup_manifest` that cannot be believed. `message` completes "the server's manifest …". */
export class ServerManifestError extends Error {
	override readonly name = 'ServerManifestError';
}

const LONGEST_LINE = 64 * 1024;
const MOST_RANGES = 1000;

/**
 * Reads a `backup_manifest` (https://www.postgresql.org/docs/current/backup-manifest-format.html) while its bytes pass, line by line: it may
 * list a million files. The server writes one file to a line, and the checksum of everything before it into the last one.
 */
export class ServerManifestReader {
	private readonly hash = createHash('sha256');
	private rest: Buffer = Buffer.alloc(0);
	private part: 'head' | 'files' | 'ranges' | 'end' = 'head';
	private version = 0;
	private systemIdentifier: string | undefined;
	private files = 0;
	private bytes = 0;
	private readonly walRanges: WalRange[] = [];
	private checksum: string | undefined;

	constructor(private readonly onFile: (file: ManifestFile) => void) {}

	push(chunk: Uint8Array): void {
		const bytes = this.rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([this.rest, chunk]);
		let at = 0;
		for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, at)) {
			this.line(bytes.subarray(at, end + 1));
			at = end + 1;
		}
		this.rest = Buffer.from(bytes.subarray(at));
		if (this.rest.length > LONGEST_LINE) throw new ServerManifestError('holds a line that is too long');
	}

	/** All has been pushed. @throws ServerManifestError when it is cut off or its own checksum is wrong */
	end(): ManifestFacts {
		if (this.rest.length > 0) this.line(this.rest);
		if (this.part !== 'end' || this.checksum === undefined) throw new ServerManifestError('ends in the middle');
		if (this.checksum !== this.hash.digest('hex')) throw new ServerManifestError('does not have the checksum that it states');
		const { version, systemIdentifier, files, bytes, walRanges } = this;
		return { version, systemIdentifier, files, bytes, walRanges };
	}

	private line(raw: Buffer): void {
		const line = raw.toString('utf8').trim();
		const checksum = /^"Manifest-Checksum": "([0-9a-f]{64})"\}$/.exec(line);
		if (checksum) {
			if (this.part !== 'ranges') throw new ServerManifestError('is not in order');
			this.part = 'end';
			this.checksum = checksum[1];
			return;
		}
		this.hash.update(raw);
		if (this.part === 'end') throw new ServerManifestError('goes on behind its end');
		if (this.part === 'head') this.headLine(line);
		else if (line === '],') return;
		else if (line === '"WAL-Ranges": [') this.part = 'ranges';
		else if (this.part === 'files') this.fileLine(line);
		else this.rangeLine(line);
	}

	private headLine(line: string): void {
		const version = /"PostgreSQL-Backup-Manifest-Version": (\d{1,4}),$/.exec(line);
		const identifier = /^"System-Identifier": (\d{1,20}),$/.exec(line);
		if (version) this.version = Number(version[1]);
		else if (identifier) this.systemIdentifier = identifier[1];
		else if (line === '"Files": [' && this.version > 0) this.part = 'files';
		else throw new ServerManifestError(`begins with an unknown line: ${JSON.stringify(line.slice(0, 100))}`);
	}

	private fileLine(line: string): void {
		const file = read(fileSchema, line);
		const path = file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8');
		if (path === '') throw new ServerManifestError('lists a file without a name');
		this.files += 1;
		this.bytes += file.Size;
		this.onFile({ path, bytes: file.Size, sha256: file['Checksum-Algorithm'] === 'SHA256' && file.Checksum !== undefined ? file.Checksum.toLowerCase() : null });
	}

	private rangeLine(line: string): void {
		const range = read(rangeSchema, line);
		if (this.walRanges.length >= MOST_RANGES) throw new ServerManifestError('lists too many timelines');
		this.walRanges.push({ timeline: range.Timeline, startLsn: range['Start-LSN'], endLsn: range['End-LSN'] });
	}
}

function read<T>(schema: z.ZodType<T>, line: string): T {
	try {
		return schema.parse(JSON.parse(line.replace(/,$/, '')));
	} catch (error) {
		throw new ServerManifestError(`holds a line that cannot be read: ${JSON.stringify(line.slice(0, 100))}`, { cause: error });
	}
}
