import { summarize } from '../../catalog/summarize';
import { archiveFiles as archive } from '../../files/archive-files';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const archiveFiles: JobHandler<'files.archive'> = async (job, context) => {
	const store = openStore(job.store, context);
	const ownFolders = job.store.type === 'folder' ? [job.store.path] : [];
	const manifest = await archive({ ...job, ownFolders }, store, context);
	return { backup: summarize(manifest, undefined, store.description) };
};
