import { z } from 'zod';
import { BACKUP_KINDS, COMPONENTS } from '../../catalog/component';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { retentionPolicySchema } from '../../retention/policy';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

export const testStoreJob = z.strictObject({ kind: z.literal('store.test'), store: storeLocationSchema });

export const listBackupsJob = z.strictObject({
	kind: z.literal('catalog.list'),
	store: storeLocationSchema,
	component: z.enum(COMPONENTS).optional(),
	backupKind: z.enum(BACKUP_KINDS).optional(),
	source: z.string().optional(),
	limit: z.number().int().min(1).default(1000),
});

export const pruneJob = z.strictObject({
	kind: z.literal('catalog.prune'),
	store: storeLocationSchema,
	component: z.enum(COMPONENTS).optional(),
	policy: retentionPolicySchema,
	/** Where WAL is archived: the same as that of `catalog.pruneWal`. What the window begins with is kept, whatever the policy says. */
	walWindowHours: z.number().min(0).default(24),
	/** false: only plan. */
	apply: z.boolean().default(false),
	/** With `apply: false`: of what may go, only that which might have gone so long ago. */
	overdueHours: z.number().min(0).max(8760).optional(),
});

/** Removes what interrupted runs left in the store; `apply: false` only lists it. */
export const cleanUpJob = z.strictObject({
	kind: z.literal('catalog.cleanUp'),
	store: storeLocationSchema,
	apply: z.boolean().default(false),
	/** Leftovers younger than this stay. */
	olderThanMinutes: z.number().min(0).default(60),
});

const verifyCommon = {
	store: storeLocationSchema,
	component: z.enum(COMPONENTS).default('postgres'),
	backup: backupChoiceSchema,
	...decryptionField,
};

export const verifyIntegrityJob = z.strictObject({
	kind: z.literal('verify.integrity'),
	...verifyCommon,
	level: z.enum(['checksum', 'structure']).default('structure'),
	/** Folder with the PostgreSQL clients, for `structure`; empty: search. */
	clientFolder: z.string().default(''),
});

/** Restores into a throwaway database on `connection`'s server, compares with the proof, drops it. */
export const restoreDrillJob = z.strictObject({
	kind: z.literal('verify.restoreDrill'),
	...verifyCommon,
	connection: postgresConnectionSchema,
	parallelJobs: z.number().int().min(1).max(64).default(2),
	globals: backupChoiceSchema.nullable().default(null),
	/** SELECTs separated by empty lines, each of which must yield true, in the restored database. */
	assertions: z.string().max(100_000).default(''),
	/** Address that is told of the restored database by POST and must answer 2xx. */
	httpCheck: z.string().max(2000).default(''),
	assertionTimeoutSeconds: z.number().positive().max(86_400).default(300),
});
