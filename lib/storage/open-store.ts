import type { JobContext } from '../core/context';
import { FolderStore } from './folder-store';
import type { StoreLocation } from './location';
import { S3Store } from './s3/s3-store';
import type { Store } from './store';

/** The store at `location`. Nothing is touched yet: the first call to the store tells whether it can be reached. */
export function openStore(location: StoreLocation, context: Pick<JobContext, 'now' | 'randomBytes'>): Store {
	switch (location.type) {
		case 's3':
			return new S3Store({ location, now: () => context.now(), randomBytes: (bytes) => context.randomBytes(bytes) });
		case 'folder':
			return new FolderStore({ root: location.path, prefix: location.prefix, randomBytes: (bytes) => context.randomBytes(bytes) });
	}
}
