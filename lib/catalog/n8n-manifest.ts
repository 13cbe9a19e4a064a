import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What a backup of n8n holds beyond its artifacts. */
export const n8nDetailsSchema = z.looseObject({
	/** Rows in the backed-up database, by table. */
	counts: z.record(z.string(), count),
	/** Whether the instance's encryption key is among the artifacts. */
	encryptionKey: z.boolean(),
	/** `DB_TABLE_PREFIX` of n8n. */
	tablePrefix: z.string(),
	/** The newest migration of n8n's database, and how many there are: an n8n that does not know it is too old for this backup. */
	migrations: z.looseObject({ count, newest: z.string() }),
	/** Whether the history of executions is in it. */
	executions: z.boolean(),
	/** Credentials in the database, and the ids of those that the instance's key does not open (they were lost before this backup). */
	credentials: z.looseObject({ count, unreadable: z.array(z.string()) }),
	/** Installed community packages: not in the backup, n8n gets them from npm again. */
	communityPackages: z.array(z.looseObject({ name: z.string(), version: z.string() })),
	/** Files in the folder of binary data that are in it; null: that folder was left out. */
	binaryFiles: count.nullable(),
	/** The PostgreSQL server that held n8n's tables; absent: they were in SQLite. */
	server: z.looseObject({ host: z.string(), port: z.number().int(), version: z.string(), major: z.number().int(), database: z.string(), schema: z.string() }).optional(),
});
export type N8nDetails = z.infer<typeof n8nDetailsSchema>;
