import pg from 'pg';
import { decodeCommand, keyInstructions } from '../backup/decode-command';
import type { Artifact } from '../catalog/manifest';
import type { ChangeWindow } from './changed-rows';
import type { RowsArtifact } from './extract-changed-rows';
import { quoteTable } from './table-names';

export interface ExtractInstructions {
	readonly id: string;
	readonly database: string;
	readonly window: ChangeWindow;
	readonly written: readonly RowsArtifact[];
}

/** The text of an extract's RESTORE.txt. */
export function extractInstructions({ id, database, window, written }: ExtractInstructions): string {
	return `${[
		`Extract ${id}: changed rows of PostgreSQL database ${JSON.stringify(database)}`,
		`Rows with ${window.from} <= ${JSON.stringify(window.column)} < ${window.to}.`,
		'',
		'This is no backup of the database. Rows that were deleted are not in it. Use it beside a backup: to look at what changed,',
		'or to bring single rows back. Each file is the text format of COPY, in UTF-8.',
		'',
		`Needs: zstd${written.some(({ artifact }) => artifact.encryption) ? ', age' : ''} and psql. Tell psql the server by PGHOST, PGPORT and PGUSER, and the database by PGDATABASE.`,
		'',
		...keyInstructions(written.map(({ artifact }) => artifact)),
		'1. Check the files.',
		'',
		'```sh',
		...written.map(({ artifact }) => `echo "${artifact.storedSha256}  ${artifact.name}" | sha256sum -c`),
		'```',
		'',
		'2. Load each into a table of its own, and merge from there what you want.',
		'',
		...written.flatMap(({ artifact, table, rows }, index) => loadCommands(artifact, table, `extract_${index + 1}`, rows)),
	].join('\n')}\n`;
}

/** `\\copy` must be one line, so the query is given by COPY itself and the rows by standard input. */
function loadCommands(artifact: Artifact, table: RowsArtifact['table'], target: string, rows: number): string[] {
	const columns = table.columns.map((name) => pg.escapeIdentifier(name)).join(', ');
	const copy = `COPY ${target} FROM STDIN`;
	return [
		`${JSON.stringify(`${table.schema}.${table.name}`)}, ${rows} rows:`,
		'',
		'```sh',
		...hereDocument(`CREATE TABLE ${target} AS SELECT ${columns} FROM ${quoteTable(table)} WITH NO DATA;`),
		`(echo "SET client_encoding = 'UTF8'; ${copy};"; ${decodeCommand(artifact)}; echo '\\.') | psql -X -v ON_ERROR_STOP=1`,
		'```',
		'',
	];
}

function hereDocument(sql: string): string[] {
	const lines = new Set(sql.split('\n'));
	let mark = 'SQL';
	while (lines.has(mark)) mark += '_';
	return [`psql -X -v ON_ERROR_STOP=1 <<'${mark}'`, sql, mark];
}
