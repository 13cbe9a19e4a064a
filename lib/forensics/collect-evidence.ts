import { createHash } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { readLockStates } from '../catalog/lock-state';
import { readSmallObject } from '../catalog/small-object';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { readCleanPoints } from '../status/read-clean-points';
import { requireKey } from '../storage/key';
import type { Store } from '../storage/store';
import { listEvidence } from './list-evidence';

export interface ForensicsOptions {
	readonly store: Store;
	readonly folder: string;
	readonly evidence: readonly string[];
	readonly note: string;
}

export interface ForensicsResult {
	/** The new folder. */
	readonly folder: string;
	readonly files: number;
	/** SHA-256 of `SHA256SUMS`, which holds those of all others: write it down elsewhere, and nothing can be changed unseen. */
	readonly sha256: string;
	/** How many files of the evidence folders were listed. */
	readonly listedFiles: number;
	/** What could not be read. */
	readonly warnings: readonly string[];
}

const SUMS = 'SHA256SUMS';
const BACKUPS_AT_MOST = 1000;

/**
 * Writes what investigators need into a new folder: every manifest, record, journal and lock of the store byte for byte, a list of all its
 * objects, which backups are locked, what the signals say, and a list with hashes of the files in the evidence folders. `sha256sum -c SHA256SUMS`
 * checks all of it. Nothing in the store or in the evidence folders is changed.
 * @throws BackupError `FOLDER_NOT_FOUND`, `FOLDER_NOT_EMPTY`, `TARGET_NOT_WRITABLE`, or the store's
 */
export async function collectEvidence({ store, evidence, note, ...options }: ForensicsOptions, context: JobContext): Promise<ForensicsResult> {
	const at = context.now().toISOString();
	const folder = await makeFolder(options.folder, `forensics-${at.replace(/[-:]|\.\d+/g, '')}`);
	try {
		const bundle = new Bundle(folder, context.signal);
		const warnings: string[] = [];
		const clean = await attempt('The signs', warnings, async () => await readCleanPoints(store, context));
		const locks = await attempt('The locks', warnings, async () => await readLockStates(store, BACKUPS_AT_MOST, context.signal));
		context.progress({ step: 'Copying the records of the store' });
		await bundle.writeLines('objects.jsonl', copyRecords(store, bundle, warnings, context.signal));
		await bundle.write('signals.json', JSON.stringify(clean, null, '\t'));
		await bundle.write('locks.json', JSON.stringify(locks, null, '\t'));
		let listedFiles = 0;
		for (const [number, place] of evidence.entries()) {
			context.progress({ step: `Listing and hashing the files of ${place}` });
			listedFiles += await bundle.writeLines(`evidence-${number + 1}.jsonl`, listEvidence(place, warnings, context.signal));
		}
		const about = { collectedAt: at, host: hostname(), store: store.description, note, evidence, listedFiles, warnings };
		await bundle.write('about.json', JSON.stringify(about, null, '\t'));
		const sha256 = await bundle.finish();
		return { folder, files: bundle.files, sha256, listedFiles, warnings };
	} catch (error) {
		// Half a bundle would be taken for the whole.
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

async function makeFolder(parent: string, name: string): Promise<string> {
	const found = await stat(parent).catch((error: unknown) => {
		throw new BackupError('FOLDER_NOT_FOUND', `The folder ${parent} for the forensics bundle is not there.`, 'Make it, on a disk that the attacker could not reach, or name another.', { cause: error });
	});
	if (!found.isDirectory()) throw new BackupError('FOLDER_NOT_FOUND', `${parent} is not a folder.`, 'Name a folder for the forensics bundle.');
	const folder = join(parent, name);
	try {
		await mkdir(folder, { mode: 0o700 });
	} catch (error) {
		const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
		throw new BackupError(exists ? 'FOLDER_NOT_EMPTY' : 'TARGET_NOT_WRITABLE', exists ? `${folder} is there already.` : `${folder} could not be made.`, exists ? 'Another collection is going on, or has just ended. Look at it.' : 'Check the rights on the folder above.', { cause: error });
	}
	return folder;
}

/** Everything but the backups' contents: what each object of the store is called, and the text of the small ones. After an attack some cannot be read. */
async function* copyRecords(store: Store, bundle: Bundle, warnings: string[], signal: AbortSignal): AsyncGenerator<unknown, void, void> {
	for await (const { key, bytes, modifiedAt } of store.list('')) {
		if (key.endsWith('.json')) {
			const text = await readRecord(store, key, warnings, signal);
			if (text !== undefined) await bundle.write(`store/${key}`, text);
		}
		yield { key, bytes, modifiedAt: modifiedAt.toISOString() };
	}
}

async function readRecord(store: Store, key: string, warnings: string[], signal: AbortSignal): Promise<string | undefined> {
	const text = await attempt(key, warnings, async () => {
		requireKey(key);
		return await readSmallObject(store, key, signal);
	});
	return text ?? undefined;
}

/** What cannot be had costs itself, not the evidence. @returns null where it failed, which is written down */
async function attempt<T>(what: string, warnings: string[], work: () => Promise<T>): Promise<T | null> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof BackupError) || error.code === 'CANCELLED') throw error;
		warnings.push(`${what}: ${error.message}`);
		return null;
	}
}

/** Files in a folder, and the hash of each. */
class Bundle {
	files = 0;
	private readonly sums: string[] = [];

	constructor(
		private readonly folder: string,
		private readonly signal: AbortSignal,
	) {}

	async write(name: string, text: string): Promise<void> {
		await this.writeChunks(name, [text]);
	}

	/** One JSON text a line. @returns how many */
	async writeLines(name: string, values: AsyncIterable<unknown>): Promise<number> {
		let lines = 0;
		const counted = async function* () {
			for await (const value of values) {
				lines += 1;
				yield `${JSON.stringify(value)}\n`;
			}
		};
		await this.writeChunks(name, counted());
		return lines;
	}

	/** Writes the hashes. @returns the hash of that file */
	async finish(): Promise<string> {
		const text = `${this.sums.sort().join('\n')}\n`;
		await this.writeChunks(SUMS, [text]);
		return createHash('sha256').update(text).digest('hex');
	}

	private async writeChunks(name: string, chunks: Iterable<string> | AsyncIterable<string>): Promise<void> {
		const path = join(this.folder, name);
		await mkdir(dirname(path), { recursive: true, mode: 0o700 });
		const handle = await open(path, 'wx', 0o600);
		const hash = createHash('sha256');
		try {
			for await (const chunk of chunks) {
				this.signal.throwIfAborted();
				const bytes = Buffer.from(chunk);
				hash.update(bytes);
				await handle.writeFile(bytes);
			}
			await handle.sync();
		} finally {
			await handle.close();
		}
		this.files += 1;
		this.sums.push(`${hash.digest('hex')}  ${name}`);
	}
}
