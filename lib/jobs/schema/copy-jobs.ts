import { z } from 'zod';
import { COMPONENTS } from '../../catalog/component';
import { backupIdSchema } from '../../catalog/manifest';
import { recoveryPointIdSchema } from '../../catalog/recovery-point';
import { storeLocationSchema } from '../../storage/location';
import { backupChoiceSchema } from './postgres-restore-jobs';

/** A recovery point by its id, the newest, or the newest of which nothing is missing. */
export const recoveryPointChoiceSchema = z.discriminatedUnion('by', [
	z.strictObject({ by: z.literal('id'), id: recoveryPointIdSchema }),
	z.strictObject({ by: z.literal('latest') }),
	z.strictObject({ by: z.literal('latestComplete') }),
]);

/** Brings backups from `store` to `target` as they are stored: encrypted ones stay encrypted, and no key is needed. */
export const copyJob = z.strictObject({
	kind: z.literal('catalog.copy'),
	store: storeLocationSchema,
	target: storeLocationSchema,
	/** What a backup needs to be restored (its parents) is copied with it. */
	selection: z.discriminatedUnion('what', [
		z.strictObject({ what: z.literal('backup'), component: z.enum(COMPONENTS), backup: backupChoiceSchema }),
		z.strictObject({ what: z.literal('recoveryPoint'), recoveryPoint: recoveryPointChoiceSchema }),
		/** Everything that the target lacks; `withinDays` leaves out what is older, which the target may have pruned. */
		z.strictObject({
			what: z.literal('missing'),
			component: z.enum(COMPONENTS).optional(),
			source: z.string().optional(),
			withinDays: z.number().positive().optional(),
		}),
	]),
	/** Read every byte of what is in the target already, and copy again what is damaged. */
	recheck: z.boolean().default(false),
	/** How long to wait in the target for another run of the component before giving up with `LOCK_HELD`. */
	lockWaitSeconds: z.number().min(0).default(600),
});

/** Something that should have been in the recovery point and failed. */
const failureSchema = z.strictObject({
	component: z.enum(COMPONENTS).nullable().default(null),
	/** What failed, e.g. a node's name. */
	what: z.string().min(1).max(200),
	message: z.string().max(2000),
	code: z.string().max(100).optional(),
	hint: z.string().max(2000).optional(),
});

/** Writes down which backups belong together: those that are named, and with `since` the newest of every series since then. */
export const recordRecoveryPointJob = z.strictObject({
	kind: z.literal('recovery.record'),
	store: storeLocationSchema,
	name: z.string().max(200).default(''),
	note: z.string().max(500).optional(),
	members: z.array(z.strictObject({ component: z.enum(COMPONENTS), id: backupIdSchema })).max(1000).default([]),
	/** Backups begun since then belong to it, and runs that failed since then are named in it. */
	since: z.iso.datetime({ offset: true }).nullable().default(null),
	failures: z.array(failureSchema).max(1000).default([]),
	/** Components that must be in it; those that are not are named as missing. */
	expected: z.array(z.enum(COMPONENTS)).default([]),
	/** Fail with `RECOVERY_POINT_INCOMPLETE`, naming everything that failed, once it is recorded. */
	failWhenIncomplete: z.boolean().default(false),
});

/** Which recovery point a recovery is to restore: the named one, or the newest complete one that holds what is needed. */
export const chooseRecoveryPointJob = z.strictObject({
	kind: z.literal('recovery.choose'),
	store: storeLocationSchema,
	/** An ID; null: none is named. */
	named: recoveryPointIdSchema.nullable().default(null),
	/** What it must hold a whole backup of. */
	needed: z.array(z.enum(COMPONENTS)).default(['postgres']),
});

export const listRecoveryPointsJob = z.strictObject({
	kind: z.literal('recovery.list'),
	store: storeLocationSchema,
	limit: z.number().int().min(1).default(50),
});
