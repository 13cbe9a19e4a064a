import type pg from 'pg';

/** Who is in a database, for people; undefined where nobody is. Not counted: our own session and the server's helpers. */
export async function describeSessions(client: pg.Client, database: string): Promise<string | undefined> {
	const { rows } = await client.query<{ label: string; count: string }>(
		`SELECT coalesce(nullif(application_name, ''), backend_type) || ' (' || coalesce(usename, '?') || ')' AS label, count(*)::text AS count FROM pg_stat_activity
		WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type NOT LIKE 'autovacuum%' GROUP BY 1 ORDER BY count(*) DESC LIMIT 5`,
		[database],
	);
	return rows.length === 0 ? undefined : rows.map((row) => `${row.count} × ${row.label}`).join(', ');
}
