import { z } from 'zod';
import { tableNameSchema } from '../../catalog/postgres-manifest';
import { postgresConnectionSchema } from '../../postgres/connection-settings';
import { storeLocationSchema } from '../../storage/location';
import { allowUnencryptedField, encryptionField } from './key-fields';

const backupCommon = {
	connection: postgresConnectionSchema,
	store: storeLocationSchema,
	/** How long to wait for another run of the component before giving up with `LOCK_HELD`. */
	lockWaitSeconds: z.number().min(0).default(0),
	note: z.string().max(500).optional(),
	...encryptionField,
};

const compressionLevel = z.number().int().min(1).max(19).default(1);

export const dumpDatabaseJob = z.strictObject({
	kind: z.literal('postgres.dumpDatabase'),
	...backupCommon,
	database: z.string().min(1),
	/** `custom`: one archive, streamed. `directory`: parallel; needs temporary space for the uncompressed dump. */
	format: z.enum(['custom', 'directory']).default('custom'),
	/** Parallel `pg_dump` processes; more than one needs `directory`. */
	parallelJobs: z.number().int().min(1).max(64).default(1),
	/** Empty lists mean everything. Names are exact, never patterns. */
	includeSchemas: z.array(z.string().min(1)).default([]),
	excludeSchemas: z.array(z.string().min(1)).default([]),
	includeTables: z.array(tableNameSchema).default([]),
	excludeTables: z.array(tableNameSchema).default([]),
	/** Take a content fingerprint of every table besides its row count. */
	fingerprint: z.boolean().default(false),
	/** The database is about to be replaced or changed: listed apart, never chosen as the newest. Not for a part of a database. */
	safety: z.boolean().default(false),
	compressionLevel,
});

export const dumpGlobalsJob = z.strictObject({
	kind: z.literal('postgres.dumpGlobals'),
	...backupCommon,
	/** Password hashes need a superuser; without them the roles come back with no password. */
	rolePasswords: z.boolean().default(true),
	...allowUnencryptedField,
	compressionLevel,
});

export const extractChangedRowsJob = z.strictObject({
	kind: z.literal('postgres.extractChangedRows'),
	...backupCommon,
	database: z.string().min(1),
	tables: z.array(tableNameSchema).min(1),
	/** A `timestamp`, `timestamptz` or `date` column that every chosen table must have. */
	column: z.string().min(1),
	/** Rows with `from <= column < to`. */
	from: z.iso.datetime({ offset: true }),
	to: z.iso.datetime({ offset: true }),
	compressionLevel,
});
