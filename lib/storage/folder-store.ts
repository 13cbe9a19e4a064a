import { constants, type Dirent } from 'node:fs';
import { open, readdir, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { BackupError, throwIfAborted } from '../core/errors';
import { FileReader } from './file-reader';
import { hasCode, mapFileError } from './folder-errors';
import { makeFolder, realFolder, realRoot, statFile, syncFolder } from './folder-paths';
import { isPlainPart, requireKey, requirePrefix } from './key';
import type { GetOptions, Protection, PutOptions, Store, StoredObject } from './store';
import { UNFINISHED_NAME, writeFileDurably } from './write-file';

/** What must stay free besides the object itself: room for the manifest and the lock files that follow it. */
const MARGIN_BYTES = 4 * 1024 * 1024;

/** How often a write is begun again when somebody removes its (empty) folder in the same moment. */
const FOLDER_RACES = 5;

export interface FolderStoreOptions {
	/** An existing folder. */
	readonly root: string;
	/** Folders below it, with or without a slash at the end. */
	readonly prefix?: string;
	readonly randomBytes: (bytes: number) => Buffer;
}

/** A store in a folder of a local or mounted file system. Hidden files are not objects. */
export class FolderStore implements Store {
	readonly description: string;
	private readonly prefixParts: readonly string[];

	constructor(private readonly options: FolderStoreOptions) {
		if (!options.root.startsWith('/')) {
			throw new BackupError('INVALID_INPUT', `The store's folder ${JSON.stringify(options.root)} is not an absolute path.`, 'Give a path that starts with a slash.');
		}
		const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '');
		if (prefix !== '') requireKey(prefix);
		this.prefixParts = prefix === '' ? [] : prefix.split('/');
		this.description = `folder ${join(options.root, prefix)}`;
	}

	async put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<number> {
		requireKey(key);
		throwIfAborted(options.signal);
		return await this.mapped(`Writing ${key}`, async () => {
			if (options.expectedBytes !== undefined) await this.requireFree(options.expectedBytes);
			const { parts, name } = this.split(key);
			for (let attempt = 1; ; attempt++) {
				const opened = await this.openTemporary(parts, name, options.secret === true, attempt < FOLDER_RACES);
				if (opened === undefined) continue;
				try {
					return await writeFileDurably({ ...opened, name, source, signal: options.signal, onBytes: options.onBytes });
				} catch (error) {
					await this.removeEmptyFolders(opened.folder);
					throw error;
				}
			}
		});
	}

	async get(key: string, options: GetOptions): Promise<Readable> {
		requireKey(key);
		throwIfAborted(options.signal);
		const doing = `Reading ${key}`;
		return await this.mapped(doing, async () => {
			const { parts, name } = this.split(key);
			const folder = await realFolder(this.options.root, parts);
			if (folder === undefined) throw this.notFound(key);
			let handle;
			try {
				handle = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW);
			} catch (error) {
				if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw this.notFound(key);
				throw error;
			}
			const found = await handle.stat();
			if (!found.isFile()) {
				await handle.close();
				throw this.notFound(key);
			}
			return new FileReader({
				handle,
				start: options.start ?? 0,
				end: Math.min(found.size, options.end === undefined ? found.size : options.end + 1),
				signal: options.signal,
				mapError: (error) => mapFileError(error, this.description, doing),
			});
		});
	}

	async stat(key: string): Promise<StoredObject | undefined> {
		requireKey(key);
		return await this.mapped(`Looking for ${key}`, async () => {
			const { parts, name } = this.split(key);
			const folder = await realFolder(this.options.root, parts);
			if (folder === undefined) return undefined;
			const found = await statFile(join(folder, name));
			return found && { key, ...found };
		});
	}

	async *list(prefix: string): AsyncGenerator<StoredObject, void, void> {
		for await (const { key, name, path } of this.walk(prefix)) {
			if (!isPlainPart(name)) continue;
			const found = await this.mapped(`Looking for ${key}`, () => statFile(path));
			if (found) yield { key, ...found };
		}
	}

	async *listUnfinished(prefix: string): AsyncGenerator<StoredObject, void, void> {
		for await (const { key, name, path } of this.walk(prefix)) {
			if (!UNFINISHED_NAME.test(name)) continue;
			const found = await this.mapped(`Looking for ${key}`, () => statFile(path));
			if (found) yield { key, ...found };
		}
	}

	async listFolders(prefix: string): Promise<string[]> {
		requirePrefix(prefix);
		const entries = await this.mapped(`Listing ${prefix}`, () => this.entries(prefix));
		return entries.flatMap(({ entry }) => (entry.isDirectory() && isPlainPart(entry.name) ? [entry.name] : [])).sort();
	}

	async remove(key: string): Promise<void> {
		requireKey(key);
		await this.mapped(`Removing ${key}`, async () => {
			const { parts, name } = this.split(key);
			const folder = await realFolder(this.options.root, parts);
			if (folder === undefined) return;
			await this.unlinkDurably(folder, name);
			await this.removeEmptyFolders(folder);
		});
	}

	/** A file can be deleted whenever its folder can be written to. */
	async protection(key: string): Promise<Protection | undefined> {
		requireKey(key);
		return undefined;
	}

	async freeBytes(): Promise<number | undefined> {
		return await this.mapped('Asking for the free space', async () => {
			const { bavail, bsize } = await statfs(await realRoot(this.options.root));
			return bavail * bsize;
		});
	}

	async check(signal: AbortSignal): Promise<void> {
		const token = this.options.randomBytes(16).toString('hex');
		const key = `check-${token}`;
		await this.put(key, oneChunk(token), { signal });
		try {
			const read = await text(await this.get(key, { signal }));
			if (read !== token) {
				throw new BackupError(
					'STORE_UNAVAILABLE',
					`The store (${this.description}) gave back other bytes than were written.`,
					'Check the disk and its file system before you keep backups on it.',
				);
			}
		} finally {
			await this.remove(key);
		}
	}

	async removeUnfinished(prefix: string, olderThan: Date): Promise<StoredObject[]> {
		const removed: StoredObject[] = [];
		for await (const unfinished of this.listUnfinished(prefix)) {
			if (unfinished.modifiedAt >= olderThan) continue;
			await this.mapped(`Removing ${unfinished.key}`, async () => {
				const { parts, name } = this.split(unfinished.key);
				const folder = await realFolder(this.options.root, parts);
				if (folder === undefined) return;
				await this.unlinkDurably(folder, name);
				await this.removeEmptyFolders(folder);
			});
			removed.push(unfinished);
		}
		await this.removeEmptyBelow(prefix, olderThan);
		return removed;
	}

	/** All files below `prefix`, hidden ones too. Symbolic links are passed over. */
	private async *walk(prefix: string): AsyncGenerator<{ key: string; name: string; path: string }, void, void> {
		requirePrefix(prefix);
		const pending = [prefix];
		for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
			const current = folder;
			for (const { entry, path } of await this.mapped(`Listing ${current}`, () => this.entries(current))) {
				if (entry.isFile()) yield { key: current + entry.name, name: entry.name, path };
				else if (entry.isDirectory() && isPlainPart(entry.name)) pending.push(`${current}${entry.name}/`);
			}
		}
	}

	private async entries(prefix: string): Promise<{ entry: Dirent; path: string }[]> {
		const folder = await realFolder(this.options.root, this.folderParts(prefix));
		if (folder === undefined) return [];
		try {
			const entries = await readdir(folder, { withFileTypes: true });
			return entries.map((entry) => ({ entry, path: join(folder, entry.name) }));
		} catch (error) {
			if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
			throw error;
		}
	}

	private async openTemporary(parts: readonly string[], name: string, secret: boolean, mayRetry: boolean) {
		try {
			const folder = await makeFolder(this.options.root, parts);
			const temporary = `.${name}.${this.options.randomBytes(6).toString('hex')}.partial`;
			const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
			return { folder, temporary, handle: await open(join(folder, temporary), flags, secret ? 0o600 : 0o640) };
		} catch (error) {
			if (mayRetry && hasCode(error, 'ENOENT')) return undefined;
			throw error;
		}
	}

	private async unlinkDurably(folder: string, name: string): Promise<void> {
		try {
			await unlink(join(folder, name));
			await syncFolder(folder);
		} catch (error) {
			if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
		}
	}

	/** A store has no empty folders: what is empty from `folder` upwards goes, the store's own folder stays. */
	private async removeEmptyFolders(folder: string): Promise<void> {
		const base = await realFolder(this.options.root, this.prefixParts);
		if (base === undefined) return;
		for (let current = folder; current.startsWith(`${base}/`); current = dirname(current)) {
			try {
				await rmdir(current);
			} catch (error) {
				if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) return;
				if (!hasCode(error, 'ENOENT')) throw error;
			}
		}
	}

	/** Folders that an interrupted write had made and not yet used. */
	private async removeEmptyBelow(prefix: string, olderThan: Date): Promise<void> {
		const entries = await this.mapped(`Listing ${prefix}`, () => this.entries(prefix));
		const folders = entries.filter(({ entry }) => entry.isDirectory() && isPlainPart(entry.name));
		for (const { entry } of folders) await this.removeEmptyBelow(`${prefix}${entry.name}/`, olderThan);
		if (entries.length > folders.length) return;
		await this.mapped(`Removing the empty folder ${prefix}`, async () => {
			const folder = await realFolder(this.options.root, this.folderParts(prefix));
			if (folder !== undefined && (await stat(folder)).mtime < olderThan) await this.removeEmptyFolders(folder);
		});
	}

	private folderParts(prefix: string): string[] {
		return [...this.prefixParts, ...prefix.split('/').filter((part) => part !== '')];
	}

	private async requireFree(expectedBytes: number): Promise<void> {
		const free = await this.freeBytes();
		if (free === undefined || free >= expectedBytes + MARGIN_BYTES) return;
		throw new BackupError(
			'STORE_FULL',
			`The store (${this.description}) has ${megabytes(free)} free; about ${megabytes(expectedBytes + MARGIN_BYTES)} are needed.`,
			'Free space on the disk, delete old backups with Backup Catalog: Prune, or use a larger store. Nothing was written.',
		);
	}

	private split(key: string): { parts: string[]; name: string } {
		const parts = [...this.prefixParts, ...key.split('/')];
		const name = parts.pop() ?? '';
		return { parts, name };
	}

	private notFound(key: string): BackupError {
		return new BackupError(
			'OBJECT_NOT_FOUND',
			`${key} is not in the store (${this.description}).`,
			'It was never written or somebody removed it. List the backups to see what there is.',
		);
	}

	private async mapped<T>(doing: string, body: () => Promise<T>): Promise<T> {
		try {
			return await body();
		} catch (error) {
			throw mapFileError(error, this.description, doing);
		}
	}
}

function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(1)} MB`;
}

async function* oneChunk(content: string): AsyncGenerator<Uint8Array, void, void> {
	yield Buffer.from(content);
}
