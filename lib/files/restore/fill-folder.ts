import { fsync, renameSync } from 'node:fs';
import { link, rm, symlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { throwIfAborted } from '../../core/errors';
import { type BytePath, isBelow, parentPath } from '../byte-path';
import type { FileEntry, FolderEntry, IndexEntry } from '../index-entry';
import { isWanted } from '../selection';
import { fetchedEntries, refusing } from '../stored-index';
import { archiveContents } from './archive-contents';
import type { Attributes } from './attributes';
import type { KeptFolder } from './kept-folder';
import { MarkReader } from './path-marks';
import { type FilesPlan, substituted } from './plan-files';
import { destination, type RestoreSession, wantedEntries } from './session';
import { writeContent } from './write-content';

const flushToDisk = promisify(fsync);

/** Carries out a plan: every new thing is complete under a temporary name before it takes its own. */
export class FolderFiller {
	/** Folders on the way to the present one that stay as they are. */
	private readonly keptFolders = new Set<BytePath>();

	constructor(
		private readonly session: RestoreSession,
		private readonly plan: FilesPlan,
		private readonly attributes: Attributes,
		private readonly kept: KeptFolder,
		/** Flush each file to disk before it takes the place of another. */
		private readonly flush: boolean,
	) {}

	/** Makes the folders that are missing, closed to others until their contents are complete. */
	async makeFolders(): Promise<void> {
		const { target, context } = this.session;
		let last: BytePath | undefined;
		for await (const entry of wantedEntries(this.session)) {
			throwIfAborted(context.signal);
			const folder = entry.type === 'directory' ? entry.path : parentPath(entry.path);
			if (folder === last) continue;
			last = folder;
			if (entry.type === 'directory') {
				await target.makeFolder(parentPath(folder), 0o755);
				await this.clearForFolder(entry);
				await target.makeFolder(folder);
			} else await target.makeFolder(folder, 0o755);
		}
	}

	/** Writes the contents, one archive after the other. */
	async writeContents(): Promise<void> {
		const { store, chain, context } = this.session;
		for (const member of chain) {
			if (!this.plan.carriers.has(member.id) && this.plan.substitutes.size === 0) continue;
			await refusing(member, { name: 'The archive' }, async () => {
				for await (const { entry, content } of archiveContents(store, member, this.contentsOf(member.id), context)) {
					throwIfAborted(context.signal);
					await this.writeFile(entry, content);
				}
			});
		}
	}

	/** Makes links, which come last so that nothing can be written through them, and brings what is equal already up to date. */
	async makeLinks(): Promise<void> {
		const { target, context, overwrite } = this.session;
		const marks = new MarkReader(this.session.marksFile);
		try {
			for await (const entry of wantedEntries(this.session)) {
				throwIfAborted(context.signal);
				const mark = await marks.of(entry.path);
				if (mark === 'kept' || entry.type === 'directory') continue;
				const place = destination(this.session, entry);
				if (mark === 'same') {
					if (overwrite !== 'always') continue;
					if (entry.type === 'file') await this.attributes.ofPath(await target.place(place), entry);
					if (entry.type === 'symlink') await this.attributes.ofSymlink(await target.place(place), entry);
				} else if (entry.type === 'symlink') await this.makeSymlink(entry, place);
				else if (entry.type === 'hardlink') await this.makeHardlink(entry.path, entry.target, place);
			}
		} finally {
			await marks.close();
		}
	}

	/** Sets the attributes of folders, each after everything in it, because a restored mode may close it and a change inside its times. */
	async finishFolders(): Promise<void> {
		const { selection, context, target } = this.session;
		const marks = new MarkReader(this.session.marksFile);
		const open: { readonly entry: FolderEntry; used: boolean }[] = [];
		const close = async () => {
			const folder = open.pop();
			if (folder?.used !== true) return;
			// A folder that only leads to what is wanted is the target's own where there was one.
			if (this.session.inPlace && !isWanted(selection, folder.entry.path)) return;
			if (this.keptFolders.delete(folder.entry.path)) return;
			await this.attributes.ofPath(await target.place(folder.entry.path), folder.entry);
		};
		try {
			for await (const entry of fetchedEntries(this.session.indexFile)) {
				throwIfAborted(context.signal);
				if (entry.type === 'leftOut') continue;
				for (let last = open.at(-1); last && !isBelow(entry.path, last.entry.path); last = open.at(-1)) await close();
				const wanted = isWanted(selection, entry.path);
				if (entry.type === 'directory') {
					open.push({ entry, used: wanted });
					if (wanted && (await marks.of(entry.path)) === 'kept') this.keptFolders.add(entry.path);
				} else if (wanted) for (const folder of open) folder.used = true;
			}
			while (open.length > 0) await close();
		} finally {
			await marks.close();
		}
	}

	/** Files whose content is taken from one backup's archive. */
	private async *contentsOf(id: string): AsyncGenerator<FileEntry, void, void> {
		const marks = new MarkReader(this.session.marksFile);
		try {
			for await (const entry of fetchedEntries(this.session.indexFile)) {
				if (entry.type !== 'file' || entry.in !== id) continue;
				const wanted = isWanted(this.session.selection, entry.path) && (await marks.of(entry.path)) === undefined;
				if (wanted || substituted(this.plan, entry)) yield entry;
			}
		} finally {
			await marks.close();
		}
	}

	private async writeFile(entry: FileEntry, content: AsyncIterable<Buffer>): Promise<void> {
		// Where only a further name of the file is wanted, that one gets the content.
		const instead = this.plan.substitutes.get(entry.path);
		const place = destination(this.session, instead ?? entry);
		await this.put(place, async (temporary) => {
			await writeContent(temporary, entry, content, async (fd) => {
				await this.attributes.ofFile(fd, entry);
				if (this.flush) await flushToDisk(fd);
			});
		});
	}

	private async makeSymlink(entry: Extract<IndexEntry, { type: 'symlink' }>, place: BytePath): Promise<void> {
		await this.put(place, async (temporary) => {
			await symlink(Buffer.from(entry.target, 'latin1'), temporary);
			await this.attributes.ofSymlink(temporary, entry);
		});
	}

	private async makeHardlink(path: BytePath, first: BytePath, place: BytePath): Promise<void> {
		if (this.plan.substitutes.get(first)?.path === path) return;
		const { target } = this.session;
		const source = destination(this.session, { path: this.plan.linkSources.get(path) ?? first, type: 'file' });
		await this.put(place, async (temporary) => await link(await target.place(source), temporary));
	}

	/** Makes something under a temporary name, sets aside what is in its place, and renames it. Nothing half-made stays. */
	private async put(path: BytePath, make: (temporary: string | Buffer) => Promise<void>): Promise<void> {
		const { target } = this.session;
		const temporary = await target.place(target.temporary(path));
		try {
			await make(temporary);
			const existing = await target.look(path);
			if (existing?.isDirectory()) await this.kept.take(path);
			else if (existing) await this.kept.copyOf(path);
			renameSync(temporary, await target.place(path));
			// rename() of two names of one file does nothing at all and leaves both.
			if (existing) await rm(temporary, { force: true });
		} catch (error) {
			await rm(temporary, { force: true });
			throw error;
		}
	}

	private async clearForFolder({ path }: FolderEntry): Promise<void> {
		const existing = path === '' ? undefined : await this.session.target.look(path);
		if (existing && !existing.isDirectory()) await this.kept.take(path);
	}
}
