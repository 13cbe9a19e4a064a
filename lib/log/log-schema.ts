import pg from 'pg';
import { COUNTED_KINDS, DEFAULT_THRESHOLDS } from '../status/thresholds';

/** Stands in the comment of what this package made, so that nothing else is ever changed or dropped. */
const MARK = 'n8n-nodes-backup-recovery';

/** What brings a table of the version before up to each later one. Never changed once released: what was made by it has to stay the same. */
const STEPS: readonly { readonly to: number; readonly statements: (table: string) => string }[] = [
	{ to: 2, statements: (table) => `ALTER TABLE ${table} ADD COLUMN store_id text; COMMENT ON COLUMN ${table}.store_id IS 'Which store it is, wherever that is moved to.'` },
];
const TABLE_VERSION = STEPS.at(-1)?.to ?? 1;
const VIEW_VERSION = 2;

export type LogObject = 'made' | 'migrated' | 'kept' | 'not ours';

/**
 * Makes `backup_log` and `backup_status`, or brings them up to date. A view of that name that somebody else made stays as it is.
 * Runs inside the caller's transaction.
 * @param schema must exist
 */
export async function prepareLog(client: pg.Client, schema: string): Promise<{ readonly table: LogObject; readonly view: LogObject }> {
	// Two runs at once would both find nothing.
	await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`${MARK} ${schema}`]);
	const table = await versionOf(client, schema, 'backup_log');
	const view = await versionOf(client, schema, 'backup_status');
	if (table === 'not ours') return { table, view: 'kept' };
	if (table === 'absent') await client.query(firstTableStatements(schema));
	await migrateTable(client, schema, table === 'absent' ? 1 : table);
	if (view === 'absent' || (view !== 'not ours' && view < VIEW_VERSION)) await client.query(viewStatements(schema));
	return { table: outcome(table, TABLE_VERSION), view: outcome(view, VIEW_VERSION) };
}

/** The version of what is there of this package. */
type Found = 'absent' | 'not ours' | number;

function outcome(found: Found, current: number): LogObject {
	if (found === 'not ours') return found;
	if (found === 'absent') return 'made';
	return found < current ? 'migrated' : 'kept';
}

/** A table that a newer version has made stays as it is: it has every column that this one writes. */
async function migrateTable(client: pg.Client, schema: string, from: number): Promise<void> {
	const table = `${pg.escapeIdentifier(schema)}.backup_log`;
	for (const { to, statements } of STEPS) {
		if (to <= from) continue;
		await client.query(statements(table));
		await client.query(`COMMENT ON TABLE ${table} IS ${pg.escapeLiteral(`${MARK} ${to}`)}`);
	}
}

async function versionOf(client: pg.Client, schema: string, name: string): Promise<Found> {
	const { rows } = await client.query<{ comment: string | null }>(
		`SELECT obj_description(c.oid, 'pg_class') AS comment FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
		[schema, name],
	);
	const [row] = rows;
	if (!row) return 'absent';
	const version = new RegExp(`^${MARK} (\\d+)$`).exec(row.comment ?? '')?.[1];
	return version === undefined ? 'not ours' : Number(version);
}

/** The table as its first version made it; `STEPS` lead on from there. */
function firstTableStatements(schema: string): string {
	const table = `${pg.escapeIdentifier(schema)}.backup_log`;
	return `CREATE TABLE ${table} (
	backup_id text PRIMARY KEY,
	component text NOT NULL,
	kind text NOT NULL,
	source text NOT NULL,
	status text NOT NULL CHECK (status IN ('success', 'failed', 'running')),
	created_at timestamptz NOT NULL,
	finished_at timestamptz,
	duration_minutes numeric(12,3),
	size_mb numeric(16,3),
	source_bytes bigint,
	stored_bytes bigint,
	store text NOT NULL,
	parent text,
	damaged boolean NOT NULL DEFAULT false,
	verified_level text,
	verified_at timestamptz,
	copies integer NOT NULL DEFAULT 0,
	error_code text,
	error_message text,
	error_hint text,
	deleted_at timestamptz,
	logged_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX backup_log_component_created_at ON ${table} (component, created_at);
COMMENT ON TABLE ${table} IS ${pg.escapeLiteral(`${MARK} 1`)};
COMMENT ON COLUMN ${table}.created_at IS 'When the run began: what came after is not in the backup.';
COMMENT ON COLUMN ${table}.size_mb IS 'Millions of bytes in the store.';
COMMENT ON COLUMN ${table}.deleted_at IS 'When it was found to be gone from the store.';`;
}

function viewStatements(schema: string): string {
	const place = pg.escapeIdentifier(schema);
	const view = `${place}.backup_status`;
	const thresholds = DEFAULT_THRESHOLDS.map(
		({ component, label, okHours, warningHours, always }) =>
			`(${pg.escapeLiteral(component)}, ${pg.escapeLiteral(label)}, interval '${okHours} hours', interval '${warningHours} hours', ${always})`,
	).join(',\n\t\t');
	const kinds = COUNTED_KINDS.map((kind) => pg.escapeLiteral(kind)).join(', ');
	return `CREATE OR REPLACE VIEW ${view} AS
	SELECT t.label AS component,
		max(l.created_at) AS last_backup,
		count(l.backup_id) AS total_backups,
		CASE
			WHEN max(l.created_at) > now() - t.ok THEN 'OK'
			WHEN max(l.created_at) > now() - t.late THEN 'WARNING'
			ELSE 'CRITICAL'
		END AS status,
		max(l.verified_at) AS last_verified,
		t.component AS name
	FROM (VALUES
		${thresholds}
	) AS t (component, label, ok, late, always)
	LEFT JOIN ${place}.backup_log l
		ON l.component = t.component AND l.status = 'success' AND NOT l.damaged AND l.deleted_at IS NULL AND l.kind IN (${kinds})
		-- What is dated later was written by a clock that is wrong, and says nothing about how fresh anything is.
		AND l.created_at <= now() + interval '15 minutes'
	WHERE t.always OR EXISTS (SELECT FROM ${place}.backup_log any_run WHERE any_run.component = t.component)
	GROUP BY t.component, t.label, t.ok, t.late;
COMMENT ON VIEW ${view} IS ${pg.escapeLiteral(`${MARK} ${VIEW_VERSION}`)};`;
}
