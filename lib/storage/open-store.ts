import type { JobContext } from '../core/context';
import { FolderStore } from './folder-store';
import type { StoreLocation } from './location';
import type { Store } from './store';

/** The store at `location`. Nothing is touched yet: the first call to the store tells whether it can be reached. */
export function openStore(location: StoreLocation, context: Pick<JobContext, 'now' | 'randomBytes'>): Store {
	switch (location.type) {
		case 'folder':
			return new FolderStore({ root: location.path, prefix: location.prefix, randomBytes: (bytes) => context.randomBytes(bytes) });
	}
}
