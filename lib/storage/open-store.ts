import type { JobContext } from '../core/context';
import { FolderStore } from './folder-store';
import type { StoreLocation } from './location';
import type { Store } from './store';

/** The store at `location`. Nothing is touched yet: the first call to the store tells whether it can be reached. */
export function openStore(location: StoreLocation, context: Pick<JobContext, 'now' | 'randomBytes'>): Store {
	switch (location.type) {
		case 's3':
			return new (loadS3().S3Store)({ location, now: () => context.now(), randomBytes: (bytes) => context.randomBytes(bytes) });
		case 'folder':
			return new FolderStore({ root: location.path, prefix: location.prefix, randomBytes: (bytes) => context.randomBytes(bytes) });
	}
}

/** The SDK takes longer to load than everything else together, so only jobs that use S3 load it. */
function loadS3(): typeof import('./s3/s3-store') {
	// eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make every caller of openStore wait
	return require('./s3/s3-store') as typeof import('./s3/s3-store');
}
