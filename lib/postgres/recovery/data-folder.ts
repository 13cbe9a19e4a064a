import { createHash } from 'node:crypto';
import { closeSync, constants, fchmodSync, ftruncateSync, mkdirSync, openSync, rmdirSync, rmSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileToUpdate, IncrementalFileReader } from '../basebackup/incremental-file';
import { type ArchivedFile, type ArchivedMember, ServerTarError, type ServerTarListener } from '../basebackup/server-tar';
import { WriteBehind } from './write-behind';

/** Where the parts of a server's data lie. */
export interface DataPlaces {
	/** Becomes the data directory; must not exist or be empty. */
	readonly dataFolder: string;
	/** Folder for a tablespace; must not exist or be empty. */
	tablespaceFolder(oid: number): string;
}

/** A file as it lies there. */
export interface LaidFile {
	readonly bytes: number;
	/** Undefined: blocks of it come from several backups, so that nobody has digested it yet. */
	readonly sha256: string | undefined;
}

interface Writing {
	readonly fd: number;
	/** What it is called afterwards. */
	readonly path: string;
	position: number;
	/** Written behind; small ones are not worth it, and too many would be open at once. */
	readonly behind: boolean;
	/** Of a file that is brought up to date. */
	readonly update: { readonly reader: IncrementalFileReader; readonly result: { bytes: number; changed: boolean } } | undefined;
}

/** The locations of tablespaces on the server of the backup; here they are where they are put. */
const TABLESPACE_MAP = 'tablespace_map';
/** Larger files are written while reading goes on. */
const SMALL_BYTES = 256 * 1024;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const UPDATE = constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * A data directory that is being made from a base backup and incremental ones after it, while their archives are read. Nothing that an
 * archive says about a place is believed: names stay inside, there is no link to write through before all is written, and modes are ours.
 * An incremental backup is written over the one before it: blocks into the files that they belong to; what it does not mention is removed.
 */
export class DataFolder implements ServerTarListener {
	/** By path below the data directory, WAL included. */
	readonly files = new Map<string, LaidFile>();
	private readonly folders = new Set<string>();
	private oids: ReadonlySet<number> = new Set();
	/** Tablespaces of all backups so far. */
	private readonly mapped = new Set<number>();
	private blockBytes = 0;
	private incremental = false;
	/** Files and folders of the backup that is being read. */
	private present = new Set<string>();
	private writing: Writing | undefined;
	private readonly behind = new WriteBehind();

	constructor(private readonly places: DataPlaces) {
		mkdirSync(places.dataFolder, { recursive: true, mode: FOLDER_MODE });
	}

	/** The next backup of the chain comes. */
	begin({ tablespaces, blockBytes }: { readonly tablespaces: readonly { readonly oid: number }[]; readonly blockBytes: number }, incremental: boolean): void {
		this.oids = new Set(tablespaces.map(({ oid }) => oid));
		this.blockBytes = blockBytes;
		this.incremental = incremental;
		this.present = new Set();
		for (const oid of this.oids) {
			this.mapped.add(oid);
			mkdirSync(this.places.tablespaceFolder(oid), { recursive: true, mode: FOLDER_MODE });
			this.keepFolder(`pg_tblspc/${oid}`);
		}
	}

	member({ path, type, bytes }: ArchivedMember): void {
		switch (type) {
			case 'symlink':
				if (!this.oids.has(Number(/^pg_tblspc\/(\d{1,10})$/.exec(path)?.[1]))) throw refused(path, 'a link that is not one to a tablespace');
				return;
			case 'directory': {
				const folder = path.replace(/\/$/, '');
				if (folder === '' || folder === '.') return;
				mkdirSync(this.place(folder), { recursive: true, mode: FOLDER_MODE });
				this.keepFolder(folder);
				return;
			}
			case 'file':
				this.place(path);
				this.writing = path === TABLESPACE_MAP ? undefined : this.open(path, bytes);
		}
	}

	content(bytes: Uint8Array): void {
		const { writing } = this;
		if (!writing) return;
		if (writing.update) writing.update.reader.push(bytes);
		else {
			if (writing.behind) this.behind.write(writing.fd, bytes, writing.position);
			else writeFully(writing.fd, bytes, writing.position);
			writing.position += bytes.byteLength;
		}
	}

	file(_path: string, { bytes, sha256 }: ArchivedFile): void {
		const { writing } = this;
		if (!writing) return;
		writing.update?.reader.end();
		this.closeCurrent();
		const before = this.files.get(writing.path);
		const { result } = writing.update ?? {};
		this.files.set(writing.path, result ? { bytes: result.bytes, sha256: result.changed ? undefined : before?.sha256 } : { bytes, sha256 });
		this.present.add(writing.path);
	}

	/** The backup has been read to its end: removes what was there before and is not in it. */
	end(): void {
		for (const path of this.files.keys()) {
			if (this.present.has(path)) continue;
			unlinkSync(this.place(path));
			this.files.delete(path);
		}
		// Deepest first.
		for (const folder of [...this.folders].sort().reverse()) {
			if (this.present.has(folder)) continue;
			rmdirSync(this.place(folder));
			this.folders.delete(folder);
		}
	}

	/** Puts a small file in the place of one that is there, or beside it. */
	replace(path: string, content: string): void {
		const place = this.place(path);
		const bytes = Buffer.from(content);
		rmSync(place, { force: true });
		const fd = openSync(place, CREATE, FILE_MODE);
		try {
			writeFully(fd, bytes, 0);
		} finally {
			closeSync(fd);
		}
		this.files.set(path, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
	}

	/** Links the tablespaces, relative to the data directory, so that all of it can be moved. Nothing may be written after this. */
	link(): void {
		const links = join(this.places.dataFolder, 'pg_tblspc');
		for (const oid of this.oids) symlinkSync(relative(links, this.places.tablespaceFolder(oid)), join(links, String(oid)));
	}

	/** More may come. */
	async room(): Promise<void> {
		await this.behind.room();
	}

	/** Waits until all is written, and closes what is open, also after an error. */
	async close(): Promise<void> {
		this.closeCurrent();
		await this.behind.settled();
	}

	/** Where a path below the data directory is. @throws ServerTarError for one that leads out of it */
	place(path: string): string {
		if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) throw refused(path, 'a name that leads elsewhere');
		const [, oid = '', inside = ''] = /^pg_tblspc\/(\d{1,10})(?:\/(.*))?$/.exec(path) ?? [];
		return oid !== '' && this.mapped.has(Number(oid)) ? join(this.places.tablespaceFolder(Number(oid)), inside) : join(this.places.dataFolder, path);
	}

	private closeCurrent(): void {
		const { writing } = this;
		this.writing = undefined;
		if (writing?.behind) this.behind.end(writing.fd);
		else if (writing) closeSync(writing.fd);
	}

	private keepFolder(folder: string): void {
		this.folders.add(folder);
		this.present.add(folder);
	}

	private open(path: string, bytes: number): Writing {
		const target = fileToUpdate(path);
		if (this.present.has(target ?? path)) throw refused(path, 'for the second time');
		if (target !== undefined) return this.openUpdate(path, target, bytes);
		const place = this.place(path);
		if (this.files.has(path)) unlinkSync(place);
		return { fd: create(place), path, position: 0, behind: bytes > SMALL_BYTES, update: undefined };
	}

	private openUpdate(path: string, target: string, bytes: number): Writing {
		const before = this.files.get(target);
		if (!this.incremental) throw refused(path, 'an incremental file in a full backup');
		if (!before) throw refused(path, 'which brings a file up to date that is in none of the earlier backups');
		const fd = openSync(this.place(target), UPDATE);
		const result = { bytes: before.bytes, changed: false };
		const { blockBytes } = this;
		const reader = new IncrementalFileReader(path, bytes, blockBytes, {
			begin: (keptBytes, wanted, blocks) => {
				// An incomplete block at the end of the older file does not count.
				const kept = Math.min(keptBytes, before.bytes - (before.bytes % blockBytes));
				if (kept < before.bytes) ftruncateSync(fd, kept);
				if (wanted !== kept) ftruncateSync(fd, wanted);
				result.bytes = wanted;
				result.changed = blocks > 0 || wanted !== before.bytes || kept !== before.bytes;
			},
			write: (content, position) => void writeFully(fd, content, position),
		});
		return { fd, path: target, position: 0, behind: false, update: { reader, result } };
	}
}

function create(place: string): number {
	let fd: number;
	try {
		fd = openSync(place, CREATE, FILE_MODE);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		mkdirSync(dirname(place), { recursive: true, mode: FOLDER_MODE });
		fd = openSync(place, CREATE, FILE_MODE);
	}
	fchmodSync(fd, FILE_MODE);
	return fd;
}

/** A write to a nearly full disk may take fewer bytes than it was given. */
function writeFully(fd: number, bytes: Uint8Array, position: number): number {
	for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
	return bytes.length;
}

function refused(path: string, what: string): ServerTarError {
	return new ServerTarError(`holds ${JSON.stringify(path.slice(0, 200))}, ${what}`);
}
