import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { backupIdSchema } from '../../catalog/manifest';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { recoveryTargetSchema } from '../../postgres/recovery/target';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField, encryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

const absolutePath = z.string().min(1).refine((path) => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path');

/** The base backup that recovery starts from: the newest that ended before the target, of one series where several servers share the store; or a certain one. */
export const baseChoiceSchema = z.discriminatedUnion('by', [
	z.strictObject({ by: z.literal('newest'), source: z.string().optional() }),
	z.strictObject({ by: z.literal('id'), id: backupIdSchema }),
]);

/** Folder with the program `postgres`; empty: PATH and the usual folders are searched. */
export const serverFolder = z.union([z.literal(''), absolutePath]).default('');

/** The recovery container, with a superuser of the server that was backed up. */
const containerSchema = z.strictObject({ connection: postgresConnectionSchema, waitSeconds: z.number().positive().default(3600) });

const destinationSchema = z.discriminatedUnion('mode', [
	z.strictObject({ mode: z.literal('startHere'), serverFolder }),
	containerSchema.extend({ mode: z.literal('handOver') }),
	z.strictObject({ mode: z.literal('prepareOnly') }),
]);

const recoverCommon = {
	store: storeLocationSchema,
	...decryptionField,
	base: baseChoiceSchema.default({ by: 'newest' }),
	/** The timeline to follow; null: the newest to which the base backup leads. */
	timeline: z.number().int().positive().nullable().default(null),
	/** A superuser of the recovered server; empty: found by itself. */
	user: z.string().default(''),
};

/** Recovers a whole server to a point in time, in a folder of its own. */
export const recoverJob = z.strictObject({
	kind: z.literal('postgres.recover'),
	...recoverCommon,
	target: recoveryTargetSchema.default({ by: 'latest' }),
	/** Stop just after the target, or just before it. */
	inclusive: z.boolean().default(true),
	/** Does not exist yet, or is empty. */
	folder: absolutePath,
	destination: destinationSchema.prefault({ mode: 'startHere' }),
	/** Read every table and index afterwards (amcheck). */
	checkPages: z.boolean().default(true),
	/** Show the plan, change nothing. */
	dryRun: z.boolean().default(false),
});

/** Ends the server of a recovery folder. */
export const stopRecoveredJob = z.strictObject({
	kind: z.literal('postgres.stopRecovered'),
	folder: absolutePath,
	/** Delete what the recovery laid out, too. */
	remove: z.boolean().default(false),
});

/** Puts a database of a recovered server in the place of the live one: safety dump, dump, restore beside it, swap. */
export const replaceFromRecoveredJob = z.strictObject({
	kind: z.literal('postgres.replaceFromRecovered'),
	store: storeLocationSchema,
	...encryptionField,
	...decryptionField,
	connection: postgresConnectionSchema,
	/** The live database. */
	database: z.string().min(1),
	recovered: postgresConnectionSchema,
	/** Its name on the recovered server; empty: the same. */
	recoveredDatabase: z.string().default(''),
	globals: backupChoiceSchema.nullable().default(null),
	parallelJobs: z.number().int().min(1).max(64).default(2),
	compressionLevel: z.number().int().min(1).max(19).default(1),
	/** The name of the live database, as a person typed it. */
	confirmation: z.string().default(''),
	dryRun: z.boolean().default(false),
	allowN8nDatabase: z.boolean().default(false),
	lockWaitSeconds: z.number().min(0).default(0),
});

/** Recovers a base backup with all archived WAL in a throwaway folder, and removes it. */
export const recoveryDrillJob = z.strictObject({
	kind: z.literal('verify.recoveryDrill'),
	store: storeLocationSchema,
	...decryptionField,
	base: baseChoiceSchema.default({ by: 'newest' }),
	serverFolder,
	/** Who recovers in the place of a server of this machine. */
	container: containerSchema.nullable().default(null),
	/** Where there is room for the whole server, and which the container sees too; empty: the folder for temporary files. */
	folder: z.union([z.literal(''), absolutePath]).default(''),
	user: z.string().default(''),
	checkPages: z.boolean().default(true),
});
