import { z } from 'zod';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

/** Tells a server and its standbys from all others; all archived servers when left out. */
const systemIdentifier = z.string().regex(/^\d{1,20}$/, 'is not a system identifier, a decimal number').optional();

/** Deletes archived WAL that no point in time inside the window and no base backup needs; `apply: false` only plans it. */
export const pruneWalJob = z.strictObject({
	kind: z.literal('catalog.pruneWal'),
	store: storeLocationSchema,
	systemIdentifier,
	windowHours: z.number().positive().default(24),
	apply: z.boolean().default(false),
	...decryptionField,
});

/** Brings archived WAL from `store` to `target` as it is stored. */
export const copyWalJob = z.strictObject({
	kind: z.literal('catalog.copyWal'),
	store: storeLocationSchema,
	target: storeLocationSchema,
	systemIdentifier,
	/** Only what was archived in the last so many hours of the archive; what is older, the target may have pruned. */
	withinHours: z.number().positive().optional(),
	/** Read every byte of what is in the target already, and copy again what is damaged. */
	recheck: z.boolean().default(false),
	/** How long to wait in the target for another run that writes WAL of the same server before giving up with `LOCK_HELD`. */
	lockWaitSeconds: z.number().min(0).default(600),
});

/** Proves that archived WAL leads from a base backup to its newest point without a gap. */
export const verifyContinuityJob = z.strictObject({
	kind: z.literal('verify.continuity'),
	store: storeLocationSchema,
	...decryptionField,
	base: z.union([backupChoiceSchema, z.strictObject({ by: z.literal('window'), source: z.string().optional() })]).default({ by: 'window' }),
	timeline: z.number().int().positive().nullable().default(null),
	level: z.enum(['records', 'bytes']).default('records'),
	/** Less is a warning. */
	windowHours: z.number().min(0).default(24),
	/** How far behind the present the window may end before it is a warning. */
	maxAgeMinutes: z.number().positive().default(60),
});
