import type pg from 'pg';
import { BackupError } from '../../core/errors';

/**
 * n8n's own tables in the database of this session. n8n may put a prefix of the user's choice in front of their names and may use any
 * schema, so their ends are looked for.
 */
export async function findN8nTables(client: pg.Client): Promise<string[]> {
	const { rows } = await client.query<{ label: string }>(`
		SELECT n.nspname || '.' || c.relname AS label FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND c.relname ~ '(workflow|credentials|execution)_entity$' AND n.nspname NOT LIKE 'pg\\_%'
		ORDER BY 1 LIMIT 5`);
	return rows.map((row) => row.label);
}

/** n8n would lose its own database under its feet, and this job with it. `command` is what to type instead. */
export function n8nDatabaseError(database: string, tables: readonly string[], command: string): BackupError {
	return new BackupError(
		'N8N_DATABASE',
		`The database "${database}" holds n8n's own tables (${tables.join(', ')}): n8n cannot exchange the database that it runs on.`,
		`Stop n8n, then run on the command line: ${command}`,
	);
}
