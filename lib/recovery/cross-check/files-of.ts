import { join } from 'node:path';
import { withBackupInUse } from '../../backup/use-backup';
import { findBackup } from '../../catalog/find-backup';
import { sourceOf } from '../../catalog/source-of';
import type { JobContext } from '../../core/context';
import type { BytePath } from '../../files/byte-path';
import { fetchedEntries, fetchIndex } from '../../files/stored-index';
import type { FilesSide } from './cross-check';
import { folderFiles } from './folder-files';

/** The files to compare with, as the bytes of their relative paths, and what to call them. */
export async function filesOf(side: FilesSide, context: JobContext): Promise<{ description: string; paths: AsyncIterable<BytePath> }> {
	switch (side.by) {
		case 'folder':
			return { description: `folder ${side.folder}`, paths: folderFiles(side.folder, context.signal) };
		case 'backup': {
			const { manifest } = await findBackup(side.store, { component: side.component, kinds: ['full', 'incremental'], choice: side.backup });
			const { folder } = sourceOf(manifest, 'files');
			const file = join(context.workFolder, 'cross-check-index');
			await withBackupInUse(side.store, context, manifest, async (signal) => await fetchIndex(side.store, manifest, file, { ...context, signal }));
			return { description: `${folder} in backup ${manifest.id}`, paths: indexedFiles(file) };
		}
	}
}

/** The index of an incremental backup lists the whole tree too, so no other backup of its chain is needed. */
async function* indexedFiles(file: string): AsyncGenerator<BytePath, void, void> {
	for await (const { type, path } of fetchedEntries(file)) {
		if (type === 'file' || type === 'symlink' || type === 'hardlink') yield path;
	}
}
