import type pg from 'pg';
import type { Relation } from './relations';
import { quoteTable } from './table-names';

const TABLES_A_STATEMENT = 200;

/**
 * Takes the lock that reading takes (ACCESS SHARE) on all tables now, so that none is emptied, altered or dropped between
 * being dumped and being counted. Held until the transaction ends; nobody who reads or writes rows waits for it.
 */
export async function lockTables(client: pg.Client, tables: readonly Relation[]): Promise<void> {
	for (let start = 0; start < tables.length; start += TABLES_A_STATEMENT) {
		const names = tables.slice(start, start + TABLES_A_STATEMENT).map((table) => `ONLY ${quoteTable(table)}`);
		await client.query(`LOCK TABLE ${names.join(', ')} IN ACCESS SHARE MODE`);
	}
}
