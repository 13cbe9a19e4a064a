import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { backupIdSchema } from '../../catalog/manifest';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { recoveryTargetSchema } from '../../postgres/recovery/target';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';

const absolutePath = z.string().min(1).refine((path) => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path');

/** The base backup that recovery starts from: the newest that ended before the target, of one series where several servers share the store; or a certain one. */
const baseChoiceSchema = z.discriminatedUnion('by', [
	z.strictObject({ by: z.literal('newest'), source: z.string().optional() }),
	z.strictObject({ by: z.literal('id'), id: backupIdSchema }),
]);

/** Folder with the program `postgres`; empty: PATH and the usual folders are searched. */
const serverFolder = z.union([z.literal(''), absolutePath]).default('');

const destinationSchema = z.discriminatedUnion('mode', [
	z.strictObject({ mode: z.literal('startHere'), serverFolder }),
	z.strictObject({
		mode: z.literal('handOver'),
		/** The recovery container, with a superuser of the server that was backed up. */
		connection: postgresConnectionSchema,
		waitSeconds: z.number().positive().default(3600),
	}),
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
