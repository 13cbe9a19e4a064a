import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { allowUnencryptedField, decryptionField, encryptionField } from './key-fields';
import { backupChoiceSchema } from './postgres-restore-jobs';

const absolutePath = z.string().refine((path) => isAbsolute(path), 'is not an absolute path');

/** Where an n8n keeps its tables. */
const databaseSchema = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('sqlite'), file: absolutePath }),
	z.strictObject({ type: z.literal('postgres'), connection: postgresConnectionSchema, database: z.string().min(1), schema: z.string().min(1).default('public') }),
]);

export const backupN8nJob = z.strictObject({
	kind: z.literal('n8n.backup'),
	store: storeLocationSchema,
	/** What tells this n8n from others in the store. */
	name: z.string().min(1).max(100).default('n8n'),
	/** The folder with the file `config`. */
	dataFolder: absolutePath,
	/** N8N_ENCRYPTION_KEY of n8n; null: the key is in the data folder. */
	encryptionKey: z.string().min(1).nullable().default(null),
	database: databaseSchema,
	/** The program that runs n8n, to learn its version from; empty: unknown. */
	program: z.string().default(''),
	/** Include the history of executions. */
	executions: z.boolean().default(false),
	/** Include the folder of binary data. */
	binaryData: z.boolean().default(false),
	compressionLevel: z.number().int().min(1).max(19).default(3),
	lockWaitSeconds: z.number().min(0).default(0),
	note: z.string().max(500).optional(),
	...encryptionField,
	...allowUnencryptedField,
});

export const restoreN8nJob = z.strictObject({
	kind: z.literal('n8n.restore'),
	store: storeLocationSchema,
	backup: backupChoiceSchema,
	...decryptionField,
	/** Data folder of the n8n that is to become the backed-up one; it is created where it is missing. n8n must not run. */
	dataFolder: absolutePath,
	/** Name of the SQLite file in it; only for backups of an n8n on SQLite. */
	databaseFile: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'is not a plain file name').default('database.sqlite'),
	/** Server and new database, for backups of an n8n on PostgreSQL; null: not given. */
	postgres: z
		.strictObject({
			connection: postgresConnectionSchema,
			database: z.string().min(1),
			/** `existing`: it is there and empty. */
			mode: z.enum(['new', 'existing']).default('new'),
			/** For `existing`: the database's name, typed. */
			confirmation: z.string().default(''),
			parallelJobs: z.number().int().min(1).max(64).default(2),
		})
		.nullable()
		.default(null),
	/** Show the plan, change nothing. */
	dryRun: z.boolean().default(false),
	/** Where the folder already holds an n8n: the folder's path, typed. */
	confirmation: z.string().default(''),
	/** Put the backup's encryption key in the place of another one that the folder holds; that one is kept. */
	replaceKey: z.boolean().default(false),
});

export const exportWorkflowsJob = z.strictObject({
	kind: z.literal('n8n.exportWorkflows'),
	store: storeLocationSchema,
	backup: backupChoiceSchema,
	...decryptionField,
	/** An existing folder; nothing in it is overwritten. */
	folder: absolutePath,
	/** Ids or exact names; empty: all. */
	workflows: z.array(z.string().min(1)).default([]),
});

export const n8nDrillJob = z.strictObject({
	kind: z.literal('verify.n8nDrill'),
	store: storeLocationSchema,
	backup: backupChoiceSchema,
	...decryptionField,
	/** For backups of an n8n on PostgreSQL: the server of the throwaway database. */
	connection: postgresConnectionSchema.nullable().default(null),
	parallelJobs: z.number().int().min(1).max(64).default(2),
});
