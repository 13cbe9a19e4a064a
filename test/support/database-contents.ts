import pg, { escapeIdentifier } from 'pg';
import type { PostgresServer } from './postgres-server';

/** What one table holds; `content` changes with any value of any row, and does not depend on the order of rows. */
export interface TableContents {
	readonly rows: number;
	readonly content: string;
}

/** Every table's contents under `schema.table`, besides all sequences and all large objects. */
export type DatabaseContents = Record<string, TableContents>;

/** A database inherits settings that decide how values look as text, and a restore may change those: a session fixes them. */
const PLAIN_TEXT = '-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=3 -c bytea_output=hex -c statement_timeout=0';

/** Reads all contents with plain SQL, by a way of its own, so that a mistake in the package cannot hide itself here. */
export async function snapshotContents(server: PostgresServer, database: string): Promise<DatabaseContents> {
	const { host, port, user, password } = server;
	const client = new pg.Client({ host, port, user, password, database, options: PLAIN_TEXT, application_name: 'test' });
	await client.connect();
	try {
		const tables = await client.query<{ schema: string; name: string }>(
			`SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2`,
		);
		const contents: DatabaseContents = {};
		for (const { schema, name } of tables.rows) {
			const table = `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
			contents[`${schema}.${name}`] = await digest(client, `SELECT t::text AS value FROM ONLY ${table} AS t`);
		}
		contents['(sequences)'] = await digest(client, `SELECT s::text AS value FROM pg_sequences AS s`);
		contents['(large objects)'] = await digest(client, `SELECT oid || ':' || encode(lo_get(oid), 'hex') AS value FROM pg_largeobject_metadata`);
		return contents;
	} finally {
		await client.end();
	}
}

/** The names under which two snapshots differ. */
export function differences(before: DatabaseContents, after: DatabaseContents): string[] {
	const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
	return names.filter((name) => before[name]?.rows !== after[name]?.rows || before[name]?.content !== after[name]?.content);
}

async function digest(client: pg.Client, values: string): Promise<TableContents> {
	const { rows } = await client.query<{ rows: string; content: string }>(
		`SELECT count(*) AS rows, md5(coalesce(string_agg(md5(value), '' ORDER BY md5(value)), '')) AS content FROM (${values}) AS all_values`,
	);
	return { rows: Number(rows[0]?.rows), content: rows[0]?.content ?? '' };
}
