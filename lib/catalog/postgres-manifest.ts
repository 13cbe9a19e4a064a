import { z } from 'zod';

export const tableNameSchema = z.strictObject({ schema: z.string().min(1), name: z.string().min(1) });
export type TableName = z.infer<typeof tableNameSchema>;

/** What a table held in the dump's own snapshot. */
export const tableProofSchema = z.looseObject({
	schema: z.string(),
	name: z.string(),
	rows: z.number().int().nonnegative(),
	/** Independent of row order, server and major version; see `lib/postgres/fingerprint.ts`. */
	fingerprint: z.string().optional(),
});

/** What a restored database is compared with. */
export const postgresProofSchema = z.looseObject({
	takenAt: z.iso.datetime({ offset: true }),
	/** `exact`: every table of the source is listed; `selection`: only those that were asked for. */
	scope: z.enum(['exact', 'selection']),
	tables: z.array(tableProofSchema),
	largeObjects: z.looseObject({ count: z.number().int().nonnegative(), fingerprint: z.string().optional() }).optional(),
	/** How many there are of each kind of object outside extensions and system schemas, e.g. `{ table: 12, index: 30, function: 4 }`. */
	objects: z.record(z.string(), z.number().int().nonnegative()),
});
export type TableProof = z.infer<typeof tableProofSchema>;
export type PostgresProof = z.infer<typeof postgresProofSchema>;

/** Settings of a database that an archive dump does not carry, or that must be known before it is restored. */
export const databaseSettingsSchema = z.looseObject({
	name: z.string(),
	owner: z.string(),
	encoding: z.string(),
	localeProvider: z.enum(['libc', 'icu', 'builtin']),
	collate: z.string(),
	ctype: z.string(),
	/** ICU or builtin locale, where the provider has one. */
	locale: z.string().nullable(),
	icuRules: z.string().nullable(),
	collationVersion: z.string().nullable(),
	tablespace: z.string(),
	connectionLimit: z.number().int(),
	isTemplate: z.boolean(),
	comment: z.string().nullable(),
	/** `ALTER DATABASE … SET`: setting name to value, as the server stores it. */
	configuration: z.array(z.looseObject({ name: z.string(), value: z.string() })),
	/** `ALTER ROLE … IN DATABASE … SET`. */
	roleConfiguration: z.array(z.looseObject({ role: z.string(), name: z.string(), value: z.string() })),
	/** Privileges on the database itself, null where they are the default. */
	privileges: z.array(z.looseObject({ grantee: z.string(), grantor: z.string(), privilege: z.string(), grantable: z.boolean() })).nullable(),
	extensions: z.array(z.looseObject({ name: z.string(), version: z.string(), schema: z.string() })),
	/** Roles that own or are granted something in the dump: they must exist before it is restored. */
	roles: z.array(z.string()),
	/** Size on the server's disk when the backup was taken. */
	databaseBytes: z.number().int().nonnegative(),
});
export type DatabaseSettings = z.infer<typeof databaseSettingsSchema>;

/** An extract of changed rows: which window, and which artifact holds how many rows of which table. */
export const extractSchema = z.looseObject({
	column: z.string(),
	from: z.iso.datetime({ offset: true }),
	to: z.iso.datetime({ offset: true }),
	tables: z.array(z.looseObject({ schema: z.string(), name: z.string(), rows: z.number().int().nonnegative(), artifact: z.string() })),
});
