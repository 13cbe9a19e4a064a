import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveFiles, type ArchiveFilesOptions } from '../../lib/files/archive-files';
import type { RestoreFilesOptions } from '../../lib/files/restore/options';
import { restoreFiles } from '../../lib/files/restore/restore-files';
import type { JobContext } from '../../lib/core/context';
import type { FileSource } from '../../lib/files/read-file';
import type { Store } from '../../lib/storage/store';
import { MemoryStore } from './memory-store';
import { testContext } from './job-context';

/** One thing in a folder as a test compares it; read by means of its own, so that a mistake in the package cannot hide itself here. */
export interface TreeEntry {
	readonly type: string;
	readonly mode: number;
	readonly owner: string;
	/** Whole microseconds: finer times cannot be set from Node. Not of links, whose time is not compared. */
	readonly mtime?: bigint;
	readonly content?: string;
	/** The first path with the same inode. */
	readonly sameAs?: string;
}

/** Everything in a folder by its path, one character a byte. */
export type Tree = Record<string, TreeEntry>;

export async function readTree(folder: string): Promise<Tree> {
	const tree: Tree = {};
	const inodes = new Map<bigint, string>();
	const visit = async (path: string): Promise<void> => {
		const place = Buffer.from(path === '' ? folder : `${folder}/${path}`, 'latin1');
		const stats = await lstat(place, { bigint: true });
		const common = { mode: Number(stats.mode & 0o7777n), owner: `${stats.uid}:${stats.gid}` };
		const mtime = (stats.mtimeNs + 500n) / 1000n;
		if (stats.isDirectory()) {
			tree[path] = { type: 'directory', ...common, mtime };
			for (const name of (await readdir(place, { encoding: 'latin1' })).sort()) await visit(path === '' ? name : `${path}/${name}`);
		} else if (stats.isSymbolicLink()) tree[path] = { type: 'symlink', ...common, content: await readlink(place, { encoding: 'latin1' }) };
		else if (stats.isFile()) {
			const first = inodes.get(stats.ino);
			if (first === undefined) inodes.set(stats.ino, path);
			const content = createHash('sha256').update(await readFile(place)).digest('hex');
			tree[path] = { type: 'file', ...common, mtime, content, ...(first !== undefined && { sameAs: first }) };
		} else tree[path] = { type: 'special', ...common };
	};
	await visit('');
	return tree;
}

/** What differs between two trees, as lines for people. */
export function treeDifferences(one: Tree, other: Tree): string[] {
	const paths = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
	const untimed = (entry: TreeEntry | undefined) => shown(entry && { ...entry, mtime: undefined });
	// Times can be set to a fraction of a microsecond, so that rounding may differ by one.
	const near = (a = 0n, b = 0n) => a - b <= 1n && b - a <= 1n;
	const alike = (a: TreeEntry | undefined, b: TreeEntry | undefined) => untimed(a) === untimed(b) && near(a?.mtime, b?.mtime);
	const shown = (entry: TreeEntry | undefined) => JSON.stringify(entry, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
	return paths.filter((path) => !alike(one[path], other[path])).map((path) => `${JSON.stringify(path)}: ${shown(one[path])} / ${shown(other[path])}`);
}

/** A place for one test: folders, a store, and archive and restore with defaults. */
export class FilesFixture {
	private constructor(
		readonly base: string,
		readonly store: Store,
	) {}

	static async make(store: Store = new MemoryStore()): Promise<FilesFixture> {
		return new FilesFixture(await mkdtemp(join(tmpdir(), 'backup-recovery-files-')), store);
	}

	/** A path beside the others of this test. */
	path(name: string): string {
		return join(this.base, name);
	}

	async archive(folder: string, options: Partial<ArchiveFilesOptions> = {}, source?: FileSource, overrides: Partial<JobContext> = {}) {
		const context = await testContext({ randomBytes: ascending, ...overrides });
		try {
			return await archiveFiles({ ...ARCHIVE_DEFAULTS, folder, ...options }, this.store, context, source);
		} finally {
			await context.remove();
		}
	}

	async restore(folder: string, options: Partial<RestoreFilesOptions> = {}, overrides: Partial<JobContext> = {}) {
		const context = await testContext(overrides);
		try {
			return await restoreFiles({ ...RESTORE_DEFAULTS, store: this.store, folder, ...options }, context);
		} finally {
			await context.remove();
		}
	}

	async remove(): Promise<void> {
		await rm(this.base, { recursive: true, force: true });
	}
}

let counter = 0;

/** Random enough, but for ids: those of backups within one second sort in the order in which they were made. */
function ascending(bytes: number): Buffer {
	if (bytes !== 6) return randomBytes(bytes);
	counter += 1;
	return Buffer.from(Array.from(counter.toString(36).padStart(6, '0'), (letter) => parseInt(letter, 36)));
}

const ARCHIVE_DEFAULTS: Omit<ArchiveFilesOptions, 'folder'> = {
	component: 'files',
	label: 'uploads',
	mode: 'full',
	include: [],
	exclude: [],
	oneFileSystem: false,
	retries: 2,
	unreadable: 'fail',
	compareContent: false,
	mostIncrementals: 30,
	missingParent: 'full',
	compressionLevel: 1,
	allowUnencrypted: false,
	lockWaitSeconds: 0,
	ownFolders: [],
};

const RESTORE_DEFAULTS: Omit<RestoreFilesOptions, 'folder' | 'store'> = {
	component: 'files',
	backup: { by: 'latest' },
	mode: 'beside',
	include: [],
	exclude: [],
	overwrite: 'always',
	suffix: '',
	removeUnknown: false,
	owner: 'numbers',
	dryRun: false,
	confirmation: '',
};
