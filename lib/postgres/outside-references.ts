import type pg from 'pg';
import type { Selection } from './selection';

/**
 * Warnings for a partial dump: foreign keys whose other side is not in it cannot be restored into an empty database.
 * @returns none for a full dump
 */
export async function findOutsideReferences(client: pg.Client, selection: Selection): Promise<string[]> {
	if (selection.kind === 'full') return [];
	const { rows } = await client.query<{ constraint: string; source: string; target: string }>(FOREIGN_KEYS, [
		selection.relations.map((relation) => relation.oid),
	]);
	return rows.map(
		(row) =>
			`Foreign key "${row.constraint}" of ${row.source} refers to ${row.target}, which is not in this backup: restored alone, that constraint fails.`,
	);
}

const FOREIGN_KEYS = `
SELECT c.conname AS constraint, s.nspname || '.' || source.relname AS source, t.nspname || '.' || target.relname AS target
FROM pg_constraint c
JOIN pg_class source ON source.oid = c.conrelid JOIN pg_namespace s ON s.oid = source.relnamespace
JOIN pg_class target ON target.oid = c.confrelid JOIN pg_namespace t ON t.oid = target.relnamespace
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY ($1::oid[]) AND NOT c.confrelid = ANY ($1::oid[])
ORDER BY 2, 1
LIMIT 50`;
