import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { archiveCommon, archiveFields } from './archive-common';

/** A folder as a whole: restorable by itself. */
export const fullOperation: Operation<'files.archive'> = {
	properties: archiveFields('full', []),
	job: async (input) => ({ kind: 'files.archive', mode: 'full', ...(await archiveCommon(input)) }),
	items: backupItems,
	hints: warningHints,
};
