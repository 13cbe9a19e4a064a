import { z } from 'zod';
import { COMPONENTS } from '../../catalog/component';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { decryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

/** Compares the file paths that a database's rows hold with a folder, or with the index of a backup of files. Changes nothing. */
export const crossCheckJob = z.strictObject({
	kind: z.literal('recovery.crossCheck'),
	connection: postgresConnectionSchema,
	database: z.string().min(1),
	/** One SELECT with one column, the path of a file; runs in a read-only transaction. */
	sql: z.string().min(1).max(100_000),
	/** For each batch of rows. */
	statementTimeoutSeconds: z.number().positive().max(86_400).default(300),
	files: z.discriminatedUnion('by', [
		/** Absolute path on the machine that runs the job. */
		z.strictObject({ by: z.literal('folder'), folder: z.string().min(1) }),
		z.strictObject({ by: z.literal('backup'), store: storeLocationSchema, component: z.enum(COMPONENTS).default('files'), backup: backupChoiceSchema }),
	]),
	/** What rows have in front of the path; a row without it is reported as unusable. */
	stripPrefix: z.string().default(''),
	/** Rows hold URL-encoded text. */
	urlDecode: z.boolean().default(false),
	/** Only this folder of the files counts, and rows are relative to it. */
	inside: z.string().default(''),
	/** Patterns of files that need no row. */
	ignore: z.array(z.string().min(1)).max(100).default([]),
	/** How many of each difference the result names. */
	listLimit: z.number().int().min(0).max(10_000).default(100),
	/** Absolute path of a folder for the whole lists; null: none are written. */
	listsFolder: z.string().min(1).nullable().default(null),
	failWhenDifferent: z.boolean().default(false),
	...decryptionField,
});
