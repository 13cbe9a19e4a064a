import type { DatabaseSync } from 'node:sqlite';
import { quoteName } from './sqlite-database';

/** What is read of a database of n8n's, SQLite or PostgreSQL. Names of tables are as they are stored, prefix and all. */
export interface InstanceDatabase {
	readonly description: string;
	tables(): Promise<string[]>;
	count(table: string): Promise<number>;
	/** The columns of all rows, in no order. */
	rows(table: string, columns: readonly string[]): AsyncIterable<Readonly<Record<string, unknown>>>;
}

/** An open SQLite database. */
export function sqliteInstance(database: DatabaseSync, description: string): InstanceDatabase {
	return {
		description,
		tables: async () => (database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`).all() as Array<{ name: string }>).map(({ name }) => name),
		count: async (table) => (database.prepare(`SELECT count(*) AS rows FROM ${quoteName(table)}`).get() as { rows: number }).rows,
		rows: async function* (table, columns) {
			yield* database.prepare(`SELECT ${columns.map(quoteName).join(', ')} FROM ${quoteName(table)}`).iterate() as IterableIterator<Record<string, unknown>>;
		},
	};
}
