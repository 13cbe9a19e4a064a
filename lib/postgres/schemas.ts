import type pg from 'pg';

/** The schemas that are not the system's, by name. */
export async function listSchemas(client: pg.Client): Promise<string[]> {
	const { rows } = await client.query<{ name: string }>(
		`SELECT nspname AS name FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' ORDER BY nspname COLLATE "C"`,
	);
	return rows.map((row) => row.name);
}
