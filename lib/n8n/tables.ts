import { BackupError } from '../core/errors';

/** Tables that hold the history of executions and nothing else; they may be larger than all others together. */
const HISTORY = ['execution_entity', 'execution_data', 'execution_metadata', 'execution_annotations', 'execution_annotation_tags'] as const;

/** Where n8n keeps binary data in its database, the rows of one execution are marked by this. */
export const EXECUTION_BINARY = { table: 'binary_data', column: 'sourceType', value: 'execution' } as const;

/** What tells a database of n8n's from others. */
const CORE = ['workflow_entity', 'credentials_entity', 'settings', 'user', 'migrations'] as const;

/** The tables of one n8n, which may have a prefix (`DB_TABLE_PREFIX`). */
export class N8nTables {
	private constructor(readonly prefix: string) {}

	/**
	 * Finds n8n's tables among the names of a database.
	 * @throws BackupError `INVALID_INPUT` when they are not there, or more than once
	 */
	static among(names: readonly string[], where: string): N8nTables {
		const known = new Set(names);
		const prefixes = names.filter((name) => name.endsWith(CORE[0])).map((name) => name.slice(0, -CORE[0].length));
		const complete = prefixes.filter((prefix) => CORE.every((table) => known.has(prefix + table)));
		const [prefix] = complete;
		if (prefix !== undefined && complete.length === 1) return new N8nTables(prefix);
		throw new BackupError(
			'INVALID_INPUT',
			prefix === undefined ? `${where} is no database of n8n: it lacks ${CORE.join(', ')}.` : `${where} holds the tables of more than one n8n (prefixes ${complete.map((each) => JSON.stringify(each)).join(', ')}).`,
			"Name the database that n8n's settings name (DB_TYPE, DB_SQLITE_DATABASE or DB_POSTGRESDB_*), with n8n having been started at least once.",
		);
	}

	named(table: string): string {
		return this.prefix + table;
	}

	get history(): string[] {
		return HISTORY.map((table) => this.named(table));
	}
}
