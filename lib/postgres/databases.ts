import type pg from 'pg';

/** The databases that can be connected to, without templates, by name. */
export async function listDatabases(client: pg.Client): Promise<string[]> {
	const { rows } = await client.query<{ name: string }>(
		'SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname COLLATE "C"',
	);
	return rows.map((row) => row.name);
}
