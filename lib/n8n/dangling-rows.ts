import type { DatabaseSync } from 'node:sqlite';
import { quoteName } from './sqlite-database';

interface Violation {
	readonly table: string;
	readonly rowid: number | null;
	readonly parent: string;
	readonly fkid: number;
}

/**
 * After rows of the tables `emptied` were left out: does with the rows that refer to them what the database's own foreign keys say
 * for a deletion (`ON DELETE SET NULL` or `CASCADE`), as n8n's own pruning of executions would.
 */
export function removeDanglingRows(database: DatabaseSync, emptied: ReadonlySet<string>): void {
	const gone = new Set(emptied);
	for (;;) {
		const violations = (database.prepare('PRAGMA main.foreign_key_check').all() as unknown as Violation[]).filter(({ parent, rowid }) => rowid !== null && gone.has(parent));
		if (violations.length === 0) return;
		for (const { table, rowid, fkid } of violations) {
			const columns = database.prepare('SELECT "from", on_delete FROM pragma_foreign_key_list(?) WHERE id = ? ORDER BY seq').all(table, fkid) as Array<{ from: string; on_delete: string }>;
			if (columns[0]?.on_delete === 'SET NULL') {
				database.prepare(`UPDATE main.${quoteName(table)} SET ${columns.map((column) => `${quoteName(column.from)} = NULL`).join(', ')} WHERE _rowid_ = ?`).run(rowid);
			} else {
				database.prepare(`DELETE FROM main.${quoteName(table)} WHERE _rowid_ = ?`).run(rowid);
				gone.add(table);
			}
		}
	}
}
