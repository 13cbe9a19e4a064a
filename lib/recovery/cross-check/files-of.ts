import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { FilesSide } from './cross-check';
import { folderFiles } from './folder-files';

/** The files to compare with, as relative paths, and how to call them. */
export async function filesOf(side: FilesSide, context: JobContext): Promise<{ description: string; paths: AsyncIterable<string> }> {
	switch (side.by) {
		case 'folder':
			return { description: `folder ${side.folder}`, paths: folderFiles(side.folder, context.signal) };
		case 'backup':
			throw new BackupError('INVALID_INPUT', 'The index of a backup of files cannot be compared by this version.', 'Restore the files into a folder and compare with that.');
	}
}
