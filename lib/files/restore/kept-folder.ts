import { link, mkdir, rename } from 'node:fs/promises';
import { type BytePath, fsPath, joinPath, parentPath } from '../byte-path';
import type { TargetFolder } from './target-folder';

/**
 * Where the things that a restore in place replaces are kept: a folder inside the target, because only there it is certain that moving is a rename.
 * Made when the first thing comes.
 */
export class KeptFolder {
	/** How many things were moved there. */
	count = 0;
	private made = false;

	/** @param name of the folder, directly in the target */
	constructor(
		private readonly target: TargetFolder,
		readonly name: BytePath,
	) {}

	/** Moves a file, link or folder away from `path`. */
	async take(path: BytePath): Promise<void> {
		const to = await this.room(path);
		await rename(await this.target.place(path), to);
		this.target.forget();
		this.count += 1;
	}

	/** Gives a file a second name here, so that it can be replaced at `path` in one step; moves it where the file system has no such names. */
	async copyOf(path: BytePath): Promise<void> {
		const to = await this.room(path);
		try {
			await link(await this.target.place(path), to);
		} catch (error) {
			if (!['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
			await rename(await this.target.place(path), to);
		}
		this.count += 1;
	}

	private async room(path: BytePath): Promise<string | Buffer> {
		if (!this.made) {
			await mkdir(fsPath(this.target.root, this.name), { mode: 0o700 });
			this.made = true;
		}
		const to = joinPath(this.name, path);
		await this.target.makeFolder(parentPath(to));
		return await this.target.place(to);
	}
}
