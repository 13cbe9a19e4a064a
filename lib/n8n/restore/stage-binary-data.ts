import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readArtifact } from '../../backup/read-artifact';
import type { Artifact, Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { giveToOwner } from './put-in-place';

export interface StageBinaryRequest {
	readonly store: Store;
	readonly manifest: Manifest;
	readonly archive: Artifact;
	readonly stage: string;
	readonly dataFolder: string;
	readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * Unpacks the archive of binary data into the stage. It may hold files and folders below one folder, and nothing else.
 * @throws BackupError `ARTIFACT_DAMAGED` naming an entry that does not belong there; `DATABASE_NOT_EMPTY` when the target has such a folder
 */
export async function stageBinaryData(request: StageBinaryRequest, context: JobContext): Promise<{ path: string; name: string; files: number }> {
	const { store, manifest, archive, stage } = request;
	const unpacked = join(stage, 'binary');
	await mkdir(unpacked, { mode: 0o700 });
	let files = 0;
	let refused: string | undefined;
	const tar = await import('tar');
	const bytes = readArtifact(store, manifest, archive, { signal: context.signal, keys: context.keys });
	const unpack = tar.extract({
		cwd: unpacked,
		strict: true,
		preserveOwner: false,
		filter: (path, entry) => {
			const type = 'type' in entry ? entry.type : '';
			const plain = (type === 'File' || type === 'Directory') && !path.startsWith('/') && !path.split('/').includes('..');
			if (!plain) refused ??= path;
			if (type === 'File') files += 1;
			return plain;
		},
	});
	await pipeline(Readable.from(bytes), unpack as unknown as NodeJS.WritableStream, { signal: context.signal });
	const [name, ...others] = await readdir(unpacked);
	if (refused !== undefined || name === undefined || others.length > 0) {
		throw new BackupError('ARTIFACT_DAMAGED', `${archive.name} of backup ${manifest.id} holds what does not belong there: ${JSON.stringify(refused ?? others[0] ?? 'nothing')}.`, 'Use another backup.');
	}
	if ((await readdir(request.dataFolder)).includes(name)) {
		throw new BackupError('DATABASE_NOT_EMPTY', `${join(request.dataFolder, name)} already exists.`, 'Move it away, then restore again. Nothing was changed.');
	}
	await giveAllToOwner(join(unpacked, name), request.owner);
	return { path: join(unpacked, name), name, files };
}

async function giveAllToOwner(folder: string, owner: StageBinaryRequest['owner']): Promise<void> {
	await giveToOwner(folder, owner);
	for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) await giveToOwner(join(entry.parentPath, entry.name), owner);
}
