import { z } from 'zod';
import { backupIdSchema } from '../../catalog/manifest';
import { VERIFICATION_LEVELS } from '../../catalog/verification';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';

/** A backup by its id, or the newest one that is not damaged (`latest`) or has been verified (`latestVerified`). */
export const backupChoiceSchema = z.discriminatedUnion('by', [
	z.strictObject({ by: z.literal('id'), id: backupIdSchema }),
	z.strictObject({ by: z.literal('latest'), source: z.string().optional() }),
	z.strictObject({ by: z.literal('latestVerified'), source: z.string().optional() }),
]);
export type BackupChoice = z.infer<typeof backupChoiceSchema>;

/** Where a database is restored to. `swap` restores beside `database`, proves the copy, then exchanges the two by name. */
export const restoreTargetSchema = z.discriminatedUnion('mode', [
	z.strictObject({ mode: z.literal('new'), database: z.string().min(1) }),
	z.strictObject({ mode: z.literal('existing'), database: z.string().min(1) }),
	z.strictObject({ mode: z.literal('swap'), database: z.string().min(1) }),
]);

const restoreCommon = {
	connection: postgresConnectionSchema,
	/** Show the plan, change nothing. */
	dryRun: z.boolean().default(false),
	/** What the person typed; the destructive step compares it with the database's name. */
	confirmation: z.string().default(''),
};

export const restoreDatabaseJob = z.strictObject({
	kind: z.literal('postgres.restoreDatabase'),
	...restoreCommon,
	...decryptionField,
	store: storeLocationSchema,
	backup: backupChoiceSchema,
	target: restoreTargetSchema,
	parallelJobs: z.number().int().min(1).max(64).default(2),
	/** The backup must have reached this level before; `none` restores an unverified one (its bytes are checked all the same). */
	minimumVerification: z.enum(['none', ...VERIFICATION_LEVELS]).default('none'),
	/** A globals backup from which roles that are missing on the server are created first; null: missing roles fail the job. */
	globals: backupChoiceSchema.nullable().default(null),
	/** Only the command line sets this: n8n cannot restore the database that it runs on. */
	allowN8nDatabase: z.boolean().default(false),
	lockWaitSeconds: z.number().min(0).default(0),
	/** After a swap: leave the restored database behind a fence until that is lifted. */
	keepClosed: z.boolean().default(false),
	/** Do nothing where a swap since then has put this very backup in place. */
	unlessSwappedSince: z.iso.datetime({ offset: true }).nullable().default(null),
});

/** Keeps the clients of a live database out, lets them in again, or tells what is under its name. */
export const fenceJob = z.strictObject({
	kind: z.literal('postgres.fence'),
	...restoreCommon,
	database: z.string().min(1),
	action: z.enum(['fence', 'lift', 'show']),
	allowN8nDatabase: z.boolean().default(false),
});

export const undoSwapJob = z.strictObject({
	kind: z.literal('postgres.undoSwap'),
	...restoreCommon,
	/** The live database's name. */
	database: z.string().min(1),
	/** The kept one, `<database>_before_<time>`; empty: the newest. */
	previous: z.string().default(''),
	allowN8nDatabase: z.boolean().default(false),
});

export const dropPreviousJob = z.strictObject({
	kind: z.literal('postgres.dropPrevious'),
	...restoreCommon,
	/** The full name of the kept database, `<database>_before_<time>`; `confirmation` must equal it. */
	previous: z.string().min(1),
});
