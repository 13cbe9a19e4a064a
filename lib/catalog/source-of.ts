import { BackupError } from '../core/errors';
import type { BackupSource, Manifest } from './manifest';

/**
 * The manifest's source, once it is of the type that the caller can deal with.
 * @throws BackupError `INVALID_INPUT` for a backup of something else
 */
export function sourceOf<T extends BackupSource['type']>(manifest: Pick<Manifest, 'id' | 'source'>, type: T): Extract<BackupSource, { type: T }> {
	if (isOf(manifest.source, type)) return manifest.source;
	throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} is one of ${manifest.source.type}, not of ${type}.`, 'Choose a backup of the right component.');
}

function isOf<T extends BackupSource['type']>(source: BackupSource, type: T): source is Extract<BackupSource, { type: T }> {
	return source.type === type;
}
