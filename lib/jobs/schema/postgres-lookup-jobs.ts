import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';

/** Connects and reads the server's version. */
export const testConnectionJob = z.strictObject({ kind: z.literal('postgres.testConnection'), connection: postgresConnectionSchema });

/** Checks everything that a dump of `database` needs and reports each point; changes nothing. */
export const preflightJob = z.strictObject({
	kind: z.literal('postgres.preflight'),
	connection: postgresConnectionSchema,
	database: z.string().min(1),
});

export const listDatabasesJob = z.strictObject({ kind: z.literal('postgres.listDatabases'), connection: postgresConnectionSchema });

export const listSchemasJob = z.strictObject({
	kind: z.literal('postgres.listSchemas'),
	connection: postgresConnectionSchema,
	database: z.string().min(1),
});

export const listTablesJob = z.strictObject({
	kind: z.literal('postgres.listTables'),
	connection: postgresConnectionSchema,
	database: z.string().min(1),
});
