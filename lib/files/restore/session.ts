import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import type { Store } from '../../storage/store';
import type { BytePath } from '../byte-path';
import type { IndexEntry } from '../index-entry';
import { isWanted, type Selection } from '../selection';
import { fetchedEntries } from '../stored-index';
import type { OverwritePolicy } from './options';
import type { TargetFolder } from './target-folder';

/** What all steps of one restore share. */
export interface RestoreSession {
	readonly store: Store;
	/** The full backup first, the chosen one last. */
	readonly chain: readonly Manifest[];
	/** The chosen backup's index, checked, in the work folder. */
	readonly indexFile: string;
	/** What was decided about files that are there already. */
	readonly marksFile: string;
	readonly target: TargetFolder;
	readonly selection: Selection;
	readonly inPlace: boolean;
	readonly overwrite: OverwritePolicy;
	/** Bytes put behind every name but those of folders. */
	readonly suffix: BytePath;
	readonly context: JobContext;
}

/** The wanted entries of the index, in its order. */
export async function* wantedEntries(session: Pick<RestoreSession, 'indexFile' | 'selection'>): AsyncGenerator<IndexEntry, void, void> {
	for await (const entry of fetchedEntries(session.indexFile)) {
		if (entry.type !== 'leftOut' && isWanted(session.selection, entry.path)) yield entry;
	}
}

/** Where an entry goes in the target. */
export function destination({ suffix }: Pick<RestoreSession, 'suffix'>, { path, type }: Pick<IndexEntry, 'path' | 'type'>): BytePath {
	return type === 'directory' ? path : path + suffix;
}
