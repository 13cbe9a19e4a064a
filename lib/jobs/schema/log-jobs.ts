import { z } from 'zod';
import { COMPONENTS } from '../../catalog/component';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';

/** Brings `backup_log` in a database in line with a store. */
export const logJob = z.strictObject({
	kind: z.literal('catalog.log'),
	store: storeLocationSchema,
	connection: postgresConnectionSchema,
	database: z.string().min(1),
	schema: z.string().min(1).default('public'),
	/** Forget first what the log says of this store. */
	rebuild: z.boolean().default(false),
});

const hours = z.number().positive().max(100_000);

/** How everything in a store stands; only reads, unless it may put retention on hold. */
export const statusJob = z.strictObject({
	kind: z.literal('catalog.status'),
	store: storeLocationSchema,
	/** Those that must be backed up; empty: PostgreSQL, files, and whatever the store knows. */
	components: z.array(z.enum(COMPONENTS)).default([]),
	/** Instead of the defaults: until when the newest backup is fine, and until when only late. */
	thresholds: z.array(z.strictObject({ component: z.enum(COMPONENTS), okHours: hours, warningHours: hours })).max(COMPONENTS.length).default([]),
	/** Put retention on hold when the newest backups look like a mass delete or encrypted files. */
	holdOnAlarm: z.boolean().default(false),
});

/** Keeps anything from being pruned, lets it go on, or tells how it stands. */
export const retentionHoldJob = z.strictObject({
	kind: z.literal('catalog.retentionHold'),
	store: storeLocationSchema,
	action: z.enum(['hold', 'lift', 'show']),
	/** Why; for a hold. */
	reason: z.string().max(2000).default(''),
});
