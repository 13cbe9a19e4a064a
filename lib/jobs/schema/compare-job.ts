import { z } from 'zod';
import { postgresConnectionSchema } from '../../postgres/connection-settings';

const comparedDatabase = z.strictObject({ connection: postgresConnectionSchema, database: z.string().min(1) });

/** Compares a live database with one of an earlier time, table by table. Writes nothing to either. */
export const compareDatabasesJob = z.strictObject({
	kind: z.literal('postgres.compareDatabases'),
	live: comparedDatabase,
	recovered: comparedDatabase,
	/** Compare contents too: reads and digests every row of both. */
	fingerprint: z.boolean().default(false),
});
