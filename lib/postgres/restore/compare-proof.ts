import type { PostgresProof, TableProof } from '../../catalog/postgres-manifest';

/** One table of the proof, before and after. */
export interface TableComparison {
	readonly schema: string;
	readonly name: string;
	readonly expectedRows: number;
	/** null: the table is not there. */
	readonly actualRows: number | null;
	/** undefined where the backup holds no fingerprint. */
	readonly contentEqual?: boolean;
	readonly equal: boolean;
}

export interface ProofComparison {
	readonly equal: boolean;
	readonly tables: TableComparison[];
	/** What differs, in words, tables first. */
	readonly differences: string[];
	/** Differences that do not speak against the restore. */
	readonly warnings: string[];
}

/**
 * Compares what a database held when it was backed up with what the restored one holds.
 * @param sameMajor false where the two servers are of different major versions: then counts of objects other than tables may
 *   differ by nature (PostgreSQL 18 counts NOT NULL as constraints, for one) and only warn
 */
export function compareProof(expected: PostgresProof, actual: PostgresProof, sameMajor: boolean): ProofComparison {
	const differences: string[] = [];
	const warnings: string[] = [];
	const found = new Map(actual.tables.map((table) => [tableKey(table), table]));
	const tables = expected.tables.map((table) => compareTable(table, found.get(tableKey(table)), differences));

	if (expected.scope === 'exact') {
		const known = new Set(expected.tables.map(tableKey));
		for (const table of actual.tables) {
			if (!known.has(tableKey(table))) differences.push(`${tableLabel(table)} is in the restored database but was not in the backup's proof`);
		}
		compareObjects(expected.objects, actual.objects, sameMajor ? differences : warnings);
	}
	compareLargeObjects(expected, actual, differences);
	return { equal: differences.length === 0, tables, differences, warnings };
}

function compareTable(expected: TableProof, actual: TableProof | undefined, differences: string[]): TableComparison {
	const base = { schema: expected.schema, name: expected.name, expectedRows: expected.rows };
	if (!actual) {
		differences.push(`${tableLabel(expected)} is missing`);
		return { ...base, actualRows: null, equal: false };
	}
	const rowsEqual = actual.rows === expected.rows;
	const contentEqual = expected.fingerprint === undefined ? undefined : actual.fingerprint === expected.fingerprint;
	if (!rowsEqual) differences.push(`${tableLabel(expected)} has ${actual.rows} rows instead of ${expected.rows}`);
	else if (contentEqual === false) differences.push(`${tableLabel(expected)} has the right number of rows (${expected.rows}) but other contents`);
	return { ...base, actualRows: actual.rows, contentEqual, equal: rowsEqual && contentEqual !== false };
}

function compareLargeObjects(expected: PostgresProof, actual: PostgresProof, differences: string[]): void {
	if (!expected.largeObjects) return;
	const count = actual.largeObjects?.count ?? 0;
	if (count !== expected.largeObjects.count) differences.push(`there are ${count} large objects instead of ${expected.largeObjects.count}`);
	else if (expected.largeObjects.fingerprint !== undefined && actual.largeObjects?.fingerprint !== expected.largeObjects.fingerprint) {
		differences.push(`the ${count} large objects have other contents`);
	}
}

function compareObjects(expected: PostgresProof['objects'], actual: PostgresProof['objects'], differences: string[]): void {
	for (const kind of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
		const before = expected[kind] ?? 0;
		const after = actual[kind] ?? 0;
		if (before !== after) differences.push(`the number of objects of kind "${kind}" is ${after} instead of ${before}`);
	}
}

function tableKey(table: { readonly schema: string; readonly name: string }): string {
	return JSON.stringify([table.schema, table.name]);
}

export function tableLabel(table: { readonly schema: string; readonly name: string }): string {
	return `table ${JSON.stringify(`${table.schema}.${table.name}`)}`;
}
