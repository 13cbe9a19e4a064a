import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import type { InstanceDatabase } from './instance-database';

/** A session in a database of n8n's; `emptied` are tables whose rows are not dumped, so that they count as having none. */
export function postgresInstance(client: pg.Client, schema: string, description: string, emptied: readonly string[] = []): InstanceDatabase {
	const qualified = (table: string) => `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
	return {
		description,
		tables: async () => {
			const { rows } = await client.query<{ name: string }>(
				`SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1`,
				[schema],
			);
			return rows.map(({ name }) => name);
		},
		count: async (table) => {
			if (emptied.includes(table)) return 0;
			const { rows } = await client.query<{ rows: string }>(`SELECT count(*)::text AS rows FROM ${qualified(table)}`);
			return Number(rows[0]?.rows);
		},
		rows: async function* (table, columns) {
			const { rows } = await client.query<Record<string, unknown>>(`SELECT ${columns.map(escapeIdentifier).join(', ')} FROM ${qualified(table)}`);
			yield* rows;
		},
	};
}
