import { BackupError } from '../../core/errors';
import type { Lsn } from '../replication/lsn';
import { formatLsn, parseLsn } from '../replication/lsn';
import { SEGMENT_NAME, segmentName, segmentStart } from '../replication/wal-segment';
import { type ManifestFacts, type ManifestFile, ServerManifestError, ServerManifestReader } from './server-manifest';
import { type ArchivedFile, ServerTarError, type ServerTarListener, ServerTarReader } from './server-tar';

export interface WalSpan {
	readonly timeline: number;
	readonly startLsn: string;
	readonly endLsn: string;
	readonly segmentBytes: number;
}

/**
 * Compares the files in the archives of a base backup, while they pass, with the manifest that comes last: every file with its length and
 * SHA-256, none missing, none more. Holds a path and a digest for each file (some 200 bytes).
 */
export class ContentCheck {
	private readonly found = new Map<string, ArchivedFile>();
	private readonly segments = new Map<string, number>();
	private facts: ManifestFacts | undefined;

	/** @param unlike the error for archives and a manifest that do not belong together; its text completes "not what the server says: …" */
	constructor(private readonly unlike: (what: string, cause?: unknown) => BackupError = notAsSent) {}

	/**
	 * Passes an archive on.
	 * @param oid that of the tablespace; undefined: the data directory
	 * @param also hears of what is in it as well; paths are below the data directory
	 */
	async *archive(name: string, oid: number | undefined, source: AsyncIterable<Buffer>, terminated: boolean, also?: ServerTarListener): AsyncGenerator<Buffer, void, void> {
		const prefix = oid === undefined ? '' : `pg_tblspc/${oid}/`;
		const reader = new ServerTarReader({
			file: (path, file) => {
				this.add(name, prefix + path, file);
				also?.file(prefix + path, file);
			},
			...(also && { member: (member) => also.member?.({ ...member, path: prefix + member.path }), content: (bytes) => also.content?.(bytes) }),
		});
		try {
			for await (const chunk of source) {
				reader.push(chunk);
				yield chunk;
			}
			reader.end(terminated);
		} catch (error) {
			if (error instanceof ServerTarError) throw this.unlike(`the archive ${name} ${error.message}`, error);
			throw error;
		}
		if (!terminated) yield Buffer.alloc(1024);
	}

	/** Passes the manifest on, after all archives. */
	async *manifest(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
		const reader = new ServerManifestReader((file) => this.compare(file));
		try {
			for await (const chunk of source) {
				reader.push(chunk);
				yield chunk;
			}
			this.facts = reader.end();
		} catch (error) {
			if (error instanceof ServerManifestError) throw this.unlike(`the server's manifest ${error.message}`, error);
			throw error;
		}
		// What lies beside the segments is listed by some versions only.
		const extra = [...this.found.keys()].find((path) => !path.startsWith('pg_wal/'));
		if (extra !== undefined) throw this.unlike(`${JSON.stringify(extra)} was sent, and the server's manifest does not list it`);
	}

	/** Checks that the WAL from start to end is inside. @returns what the manifest says */
	finish({ timeline, startLsn, endLsn, segmentBytes }: WalSpan): ManifestFacts {
		if (!this.facts) throw this.unlike('the server sent no manifest');
		const end = parseLsn(endLsn);
		for (let at: Lsn = segmentStart(parseLsn(startLsn), segmentBytes); at < end; at += BigInt(segmentBytes)) {
			const name = segmentName(timeline, at, segmentBytes);
			const bytes = this.segments.get(name);
			if (bytes !== segmentBytes) throw this.unlike(`the WAL segment ${name} (${formatLsn(at)}), which the backup needs, ${bytes === undefined ? 'was not sent' : `has ${bytes} bytes`}`);
		}
		return this.facts;
	}

	private add(archive: string, path: string, file: ArchivedFile): void {
		const [, wal = ''] = /^pg_wal\/(.*)$/.exec(path) ?? [];
		// The manifest does not list segments: it says which part of the log is needed instead.
		if (SEGMENT_NAME.test(wal)) {
			if (this.segments.has(wal)) throw this.unlike(`${JSON.stringify(path)} is twice in ${archive}`);
			this.segments.set(wal, file.bytes);
			return;
		}
		if (this.found.has(path)) throw this.unlike(`${JSON.stringify(path)} is twice in ${archive}`);
		this.found.set(path, file);
	}

	private compare({ path, bytes, sha256 }: ManifestFile): void {
		const file = this.found.get(path);
		if (!file) throw this.unlike(`${JSON.stringify(path)}, which the server's manifest lists, was not sent`);
		if (file.bytes !== bytes) throw this.unlike(`${JSON.stringify(path)} arrived with ${file.bytes} bytes instead of ${bytes}`);
		if (sha256 === null) throw this.unlike(`the server's manifest has no SHA-256 of ${JSON.stringify(path)}`);
		if (file.sha256 !== sha256) throw this.unlike(`${JSON.stringify(path)} arrived with other bytes than the server's manifest says`);
		this.found.delete(path);
	}
}

function notAsSent(what: string, cause?: unknown): BackupError {
	return new BackupError('PROOF_MISMATCH', `The base backup is not what the server says it sent: ${what}.`, 'Nothing was published. Run the job again; if it persists, check the memory and disks of the server and of this machine, and what is between them.', { cause });
}
