import { readArtifact } from '../../backup/read-artifact';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import { type BytePath, comparePaths, pathProblem, quotePath } from '../byte-path';
import type { FileEntry, IndexEntry } from '../index-entry';
import { readTar, type TarEntry, TarRefusedError } from '../read-tar';
import { ARCHIVE_ROLE, artifactOf } from '../stored-index';

export interface ArchivedContent {
	readonly entry: FileEntry;
	readonly content: AsyncIterable<Buffer>;
}

/**
 * The contents of the wanted files from one backup's archive, in its order. The archive is read to its end, so that its digests are compared.
 * Only what the index asks for is handed out, and nothing that the archive says about a file is believed but its content.
 * @param wanted in ascending order, all of them with `in` of this backup
 * @throws TarRefusedError naming the member that cannot be; BackupError `ARTIFACT_DAMAGED`, `KEY_*`
 */
export async function* archiveContents(store: Store, manifest: Manifest, wanted: AsyncIterable<FileEntry>, context: Pick<JobContext, 'signal' | 'keys' | 'progress'>): AsyncGenerator<ArchivedContent, void, void> {
	const want = wanted[Symbol.asyncIterator]();
	try {
		let next = await want.next();
		if (next.done) return;
		const order = new MemberOrder();
		for await (const member of readTar(readArchive(store, manifest, context))) {
			const { path, copy } = order.accept(member);
			if (next.done) continue;
			const entry: FileEntry = next.value;
			const place = comparePaths(entry.path, path);
			if (place < 0) throw missing(entry);
			if (place > 0) continue;
			if (member.type !== 'file') throw new TarRefusedError(`${quotePath(path)} is a ${member.type} in it, and a file in the index`);
			if (copy < (entry.copies ?? 1)) continue;
			if (member.size !== entry.size) throw new TarRefusedError(`${quotePath(path)} claims ${member.size} bytes instead of the ${entry.size} of the index`);
			yield { entry, content: member.content() };
			next = await want.next();
		}
		if (!next.done) throw missing(next.value);
	} finally {
		await want.return?.();
	}
}

/** A backup's archive as a stream of bytes, with progress. */
export function readArchive(store: Store, manifest: Manifest, context: Pick<JobContext, 'signal' | 'keys' | 'progress'>): AsyncGenerator<Buffer, void, void> {
	const artifact = artifactOf(manifest, ARCHIVE_ROLE);
	const onStoredBytes = (done: number) => context.progress({ step: `Reading the archive of ${manifest.id}`, done, total: artifact.storedBytes, unit: 'bytes' });
	return readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys, onStoredBytes });
}

function missing({ path }: Pick<IndexEntry, 'path'>): TarRefusedError {
	return new TarRefusedError(`it does not hold ${quotePath(path)}, which the index says it does`);
}

/** Checks the names in an archive: plain, inside the folder, ascending; only a file may come again, as a further copy of itself. */
export class MemberOrder {
	private last: { readonly path: BytePath; readonly type: string; readonly copy: number } | undefined;

	/** @returns the path inside the folder, and the how many-th copy this is */
	accept(member: Pick<TarEntry, 'name' | 'type' | 'target'>): { path: BytePath; copy: number } {
		const path = memberPath(member);
		const { last } = this;
		let copy = 1;
		if (last) {
			const order = comparePaths(last.path, path);
			if (order > 0) throw new TarRefusedError(`${quotePath(path)} is not where it should be in the order of names`);
			if (order === 0) {
				if (member.type !== 'file' || last.type !== 'file') throw new TarRefusedError(`it holds ${quotePath(path)} twice`);
				copy = last.copy + 1;
			}
		}
		this.last = { path, type: member.type, copy };
		return { path, copy };
	}
}

function memberPath({ name, type, target }: Pick<TarEntry, 'name' | 'type' | 'target'>): BytePath {
	const shown = quotePath(name.slice(0, 300));
	if (!name.startsWith('./')) throw new TarRefusedError(`it holds ${shown}: ${name.startsWith('/') ? 'its path is absolute' : 'its path is not in plain form'}`);
	const path = type === 'directory' && name.endsWith('/') ? name.slice(2, -1) : name.slice(2);
	const problem = path === '' && type !== 'directory' ? 'it has no name' : pathProblem(path);
	if (problem !== undefined) throw new TarRefusedError(`it holds ${shown}: ${problem}`);
	if (type === 'hardlink') {
		const wrong = target?.startsWith('./') === true && target !== './' ? pathProblem(target.slice(2)) : 'it is outside the folder';
		if (wrong !== undefined) throw new TarRefusedError(`it holds ${shown}, a hard link to ${quotePath((target ?? '').slice(0, 300))}: ${wrong}`);
	}
	return path;
}
