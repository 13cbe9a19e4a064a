import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { comparePaths, quotePath } from './byte-path';
import type { IndexEntry } from './index-entry';
import { readTar, type TarEntry, TarRefusedError } from './read-tar';
import { MemberOrder, readArchive } from './restore/archive-contents';
import { ARCHIVE_ROLE, artifactOf, fetchedEntries, fetchIndex, refusing } from './stored-index';

export interface ArchiveCheck {
	readonly files: number;
	readonly bytes: number;
	/** Entries of the index. */
	readonly entries: number;
}

/**
 * Reads a backup's index and its whole archive, and compares the two: every file that the index says the archive holds is there with that size and SHA-256,
 * and the archive holds nothing that the index does not know.
 * @throws BackupError `ARCHIVE_REFUSED` naming the first thing that does not fit; `ARTIFACT_DAMAGED`, `KEY_*`
 */
export async function checkArchive(store: Store, manifest: Manifest, context: JobContext): Promise<ArchiveCheck> {
	const indexFile = join(context.workFolder, 'checked-index.gz');
	await fetchIndex(store, manifest, indexFile, context);
	return await refusing(manifest, artifactOf(manifest, ARCHIVE_ROLE), async () => await compare(store, manifest, indexFile, context));
}

async function compare(store: Store, manifest: Manifest, indexFile: string, context: JobContext): Promise<ArchiveCheck> {
	const index = fetchedEntries(indexFile);
	const result = { files: 0, bytes: 0, entries: 0 };
	const nextEntry = async (): Promise<IndexEntry | undefined> => {
		for (;;) {
			const step = await index.next();
			if (step.done) return undefined;
			result.entries += 1;
			if (step.value.type !== 'leftOut') return step.value;
		}
	};
	const order = new MemberOrder();
	let entry = await nextEntry();
	/** The file at hand has been seen in the archive. */
	let copies = 0;
	const pass = async (): Promise<void> => {
		if (entry?.type === 'file' && entry.in === manifest.id && copies !== (entry.copies ?? 1)) {
			throw new TarRefusedError(`it does not hold ${quotePath(entry.path)}, which the index says it does`);
		}
		copies = 0;
		entry = await nextEntry();
	};
	try {
		for await (const member of readTar(readArchive(store, manifest, context))) {
			const { path, copy } = order.accept(member);
			while (entry && comparePaths(entry.path, path) < 0) await pass();
			if (entry?.path !== path) throw new TarRefusedError(`it holds ${quotePath(path)}, which is not in the index`);
			await compareMember(member, entry, copy, manifest.id);
			copies = copy;
			if (entry.type === 'file' && copy === (entry.copies ?? 1)) {
				result.files += 1;
				result.bytes += entry.size;
			}
		}
		while (entry) await pass();
		return result;
	} finally {
		await index.return();
	}
}

async function compareMember(member: TarEntry, entry: IndexEntry, copy: number, id: string): Promise<void> {
	const name = quotePath(entry.path);
	if (member.type !== entry.type) throw new TarRefusedError(`${name} is a ${member.type} in it, and a ${entry.type} in the index`);
	if (entry.type === 'symlink' && member.target !== entry.target) throw new TarRefusedError(`the link ${name} has another target than in the index`);
	if (entry.type === 'hardlink' && member.target !== `./${entry.target}`) throw new TarRefusedError(`the hard link ${name} has another target than in the index`);
	if (entry.type !== 'file') return;
	if (entry.in !== id) throw new TarRefusedError(`it holds ${name}, which is in the archive of ${entry.in} by the index`);
	const wanted = entry.copies ?? 1;
	if (copy > wanted) throw new TarRefusedError(`it holds ${name} more often than the index says`);
	if (copy < wanted) return;
	if (member.size !== entry.size) throw new TarRefusedError(`${name} has ${member.size} bytes in it instead of ${entry.size}`);
	const hash = createHash('sha256');
	for await (const chunk of member.content()) hash.update(chunk);
	if (hash.digest('hex') !== entry.sha256) throw new TarRefusedError(`the content of ${name} is not the one that the index describes`);
}
