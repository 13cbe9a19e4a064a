import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import { basebackupCommon, basebackupOptions } from './basebackup-common';

/** A physical copy of a whole server, from which recovery to a point in time starts. */
export const fullOperation: Operation<'postgres.baseBackup'> = {
	properties: [basebackupOptions('full', [])],
	job: async (input) => ({ kind: 'postgres.baseBackup', mode: 'full', ...(await basebackupCommon(input)) }),
	items: backupItems,
	hints: warningHints,
};
