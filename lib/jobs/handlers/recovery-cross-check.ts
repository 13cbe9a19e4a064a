import { crossCheck as check } from '../../recovery/cross-check/cross-check';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const crossCheck: JobHandler<'recovery.crossCheck'> = async ({ kind: _, decryption: __, files, ...options }, context) =>
	await check({ ...options, files: files.by === 'folder' ? files : { ...files, store: openStore(files.store, context) } }, context);
