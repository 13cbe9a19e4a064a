import { copyBackups } from '../../copy/copy-backups';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const copy: JobHandler<'catalog.copy'> = async ({ store, target, selection, recheck, lockWaitSeconds }, context) =>
	await copyBackups({ source: openStore(store, context), target: openStore(target, context), recheck, lockWaitSeconds }, selection, context);
