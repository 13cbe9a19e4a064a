import { type BigIntStats, lstatSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { BackupError } from '../../core/errors';
import { type BytePath, fsPath, joinPath, parentPath, pathProblem, quotePath } from '../byte-path';

/** The folder that is restored into. Every path that is touched goes through it, so that nothing outside can be. */
export class TargetFolder {
	/** Folders known to be real ones, from the root down to the last one asked for: entries come in order. */
	private known: BytePath[] = [''];
	private temporaries = 0;

	/**
	 * @param root bytes of the folder's own path, links followed
	 * @param token tells this run's temporary names from all others
	 */
	constructor(
		readonly root: BytePath,
		private readonly token: string,
	) {}

	/**
	 * The place of `path` on disk, after checking that every folder above it is a real folder and no link.
	 * @throws BackupError `PATH_REFUSED` naming the path
	 */
	async place(path: BytePath): Promise<string | Buffer> {
		const problem = pathProblem(path);
		if (problem !== undefined) throw refused(path, problem);
		if (path !== '') await this.requireFolder(parentPath(path));
		return fsPath(this.root, path);
	}

	/** What is at `path`, links not followed; `undefined` where there is nothing. */
	async look(path: BytePath): Promise<BigIntStats | undefined> {
		const problem = pathProblem(path);
		if (problem !== undefined) throw refused(path, problem);
		try {
			return lstatSync(fsPath(this.root, path), { bigint: true, throwIfNoEntry: false });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
			throw error;
		}
	}

	/** A name in the same folder that nobody else uses. */
	temporary(path: BytePath): BytePath {
		this.temporaries += 1;
		return joinPath(parentPath(path), `.${this.token}.${this.temporaries}.partial`);
	}

	/** Makes a folder and, where they are missing, those above it. */
	async makeFolder(path: BytePath, mode = 0o700): Promise<void> {
		if (path === '' || (await this.look(path))?.isDirectory()) return;
		await this.makeFolder(parentPath(path), mode);
		await mkdir(await this.place(path), { mode });
	}

	/** To be called when a folder was moved away. */
	forget(): void {
		this.known = [''];
	}

	private async requireFolder(path: BytePath): Promise<void> {
		while (this.known.length > 1) {
			const last = this.known.at(-1) as BytePath;
			if (path === last || path.startsWith(`${last}/`)) break;
			this.known.pop();
		}
		const last = this.known.at(-1) as BytePath;
		if (path === last) return;
		let at = last;
		for (const name of path.slice(last === '' ? 0 : last.length + 1).split('/')) {
			at = joinPath(at, name);
			const stats = await this.look(at);
			if (!stats?.isDirectory()) throw refused(path, stats?.isSymbolicLink() ? `${quotePath(at)} is a symbolic link there` : `${quotePath(at)} is no folder there`);
			this.known.push(at);
		}
	}
}

function refused(path: BytePath, why: string): BackupError {
	return new BackupError('PATH_REFUSED', `${quotePath(path.slice(0, 300))} is not written to: ${why}.`, 'Nothing outside the target folder is ever touched. Look at what is in the way, or restore into a new folder.');
}
