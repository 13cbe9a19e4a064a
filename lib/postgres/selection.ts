import type { TableName } from '../catalog/postgres-manifest';
import { BackupError } from '../core/errors';
import { nearNames } from './near-names';
import { holdsRows, type Relation } from './relations';
import { displayTable, tableKey } from './table-names';

/** What of a database is to be dumped. Names are exact; empty lists mean everything. */
export interface SelectionRequest {
	readonly includeSchemas: readonly string[];
	readonly excludeSchemas: readonly string[];
	readonly includeTables: readonly TableName[];
	readonly excludeTables: readonly TableName[];
}

export interface Selection {
	readonly kind: 'full' | 'partial';
	/** Everything that the dump holds, by definition; used to check rights. */
	readonly relations: readonly Relation[];
	/** The tables whose rows it holds: what the proof must cover. */
	readonly tables: readonly Relation[];
	/** Large objects belong to no schema: they are dumped unless schemas or tables were chosen. */
	readonly largeObjects: boolean;
	/** For pg_dump. */
	readonly arguments: readonly string[];
}

/**
 * Resolves a request against the relations of the database, with pg_dump's rules
 * (https://www.postgresql.org/docs/current/app-pgdump.html). A partitioned table stands for all its partitions, and a chosen
 * partition brings the tables above it, without which it could not be restored.
 * @throws BackupError `TABLE_NOT_FOUND` with names like it, `INVALID_INPUT` for a request that contradicts itself
 */
export function resolveSelection(
	relations: readonly Relation[],
	schemas: readonly string[],
	request: SelectionRequest,
): Selection {
	const { includeSchemas, excludeSchemas, includeTables, excludeTables } = request;
	if (includeSchemas.length > 0 && includeTables.length > 0) {
		throw new BackupError(
			'INVALID_INPUT',
			'Both schemas and tables are to be included, and pg_dump can do only one of them at a time.',
			'Include schemas and leave single tables out of them, or include all the tables by name, or make two backups.',
		);
	}
	checkSchemas([...includeSchemas, ...excludeSchemas], schemas);
	const own = relations.filter((relation) => relation.extension === null || relation.extensionCondition !== null);
	const tree = new PartitionTree(own);
	const included = find(
		includeTables,
		own.filter((relation) => relation.extension === null),
	);
	const includedOids = included.length === 0 ? undefined : new Set([...tree.below(included), ...tree.above(included)]);
	const excludedOids = tree.below(find(excludeTables, own));

	const chosen = own.filter((relation) => {
		if (excludedOids.has(relation.oid)) return false;
		if (includedOids) return includedOids.has(relation.oid);
		if (includeSchemas.length > 0)
			return relation.extension === null && includeSchemas.includes(relation.schema) && !excludeSchemas.includes(relation.schema);
		return !excludeSchemas.includes(relation.schema);
	});
	const clash = included.find((relation) => excludedOids.has(relation.oid) || excludeSchemas.includes(relation.schema));
	if (clash)
		throw new BackupError(
			'INVALID_INPUT',
			`${displayTable(clash)} is to be both included and left out.`,
			'Remove it, or its schema, from one of the two lists.',
		);
	if (includeSchemas.length > 0 && includeSchemas.every((schema) => excludeSchemas.includes(schema))) {
		throw new BackupError(
			'INVALID_INPUT',
			'Every included schema is also left out.',
			'Remove at least one from one of the two lists.',
		);
	}

	const named = (oids: Iterable<string>) => [...oids].flatMap((oid) => tree.relation(oid) ?? []);
	return {
		kind: includeSchemas.length + excludeSchemas.length + includeTables.length + excludeTables.length === 0 ? 'full' : 'partial',
		relations: chosen,
		tables: chosen.filter(holdsRows),
		largeObjects: includeSchemas.length === 0 && includeTables.length === 0,
		arguments: [
			...includeSchemas.map((schema) => `--schema=${quotePattern(schema)}`),
			...excludeSchemas.map((schema) => `--exclude-schema=${quotePattern(schema)}`),
			...named(includedOids ?? []).map((relation) => `--table=${tablePattern(relation)}`),
			...named(excludedOids).map((relation) => `--exclude-table=${tablePattern(relation)}`),
			...(includeSchemas.length + includeTables.length > 0 ? ['--strict-names'] : []),
		],
	};
}

/**
 * A pattern that matches just this name: inside double quotes nothing is special but the quote itself.
 * https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS
 */
export function quotePattern(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

function tablePattern(table: TableName): string {
	return `${quotePattern(table.schema)}.${quotePattern(table.name)}`;
}

function checkSchemas(wanted: readonly string[], schemas: readonly string[]): void {
	const missing = wanted.filter((schema) => !schemas.includes(schema));
	if (missing.length === 0) return;
	const near = missing.flatMap((schema) => nearNames(schema, schemas));
	throw new BackupError(
		'TABLE_NOT_FOUND',
		`There is no schema ${missing.map((name) => `"${name}"`).join(', ')} in this database.`,
		suggestion(near, schemas),
	);
}

function find(wanted: readonly TableName[], relations: readonly Relation[]): Relation[] {
	const byKey = new Map(relations.map((relation) => [tableKey(relation), relation]));
	const missing = wanted.filter((table) => !byKey.has(tableKey(table)));
	if (missing.length > 0) {
		const known = relations.map(displayTable);
		const near = missing.flatMap((table) => [
			...nearNames(displayTable(table), known),
			...relations.filter((relation) => relation.name === table.name).map(displayTable),
		]);
		throw new BackupError(
			'TABLE_NOT_FOUND',
			`There is no table ${missing.map(displayTable).join(', ')} in this database.`,
			suggestion(near, known),
		);
	}
	return wanted.flatMap((table) => byKey.get(tableKey(table)) ?? []);
}

function suggestion(near: readonly string[], known: readonly string[]): string {
	if (known.length === 0) return 'The database has none at all. Check that it is the right one.';
	if (near.length === 0)
		return `Check the spelling; upper and lower case count. There are for instance: ${known.slice(0, 10).join(', ')}.`;
	return `Did you mean ${[...new Set(near)].join(', ')}? Upper and lower case count.`;
}

class PartitionTree {
	private readonly byOid: ReadonlyMap<string, Relation>;
	private readonly partitionsOf = new Map<string, string[]>();

	constructor(relations: readonly Relation[]) {
		this.byOid = new Map(relations.map((relation) => [relation.oid, relation]));
		for (const relation of relations) {
			if (!relation.isPartition) continue;
			for (const parent of relation.parents)
				this.partitionsOf.set(parent, [...(this.partitionsOf.get(parent) ?? []), relation.oid]);
		}
	}

	relation(oid: string): Relation | undefined {
		return this.byOid.get(oid);
	}

	/** The oids of these and of all their partitions. */
	below(relations: readonly Relation[]): Set<string> {
		const found = new Set<string>();
		const add = (oid: string) => {
			if (found.has(oid)) return;
			found.add(oid);
			for (const partition of this.partitionsOf.get(oid) ?? []) add(partition);
		};
		for (const relation of relations) add(relation.oid);
		return found;
	}

	/** The oids of the tables that these are partitions of, all the way up. */
	above(relations: readonly Relation[]): Set<string> {
		const found = new Set<string>();
		const add = (relation: Relation | undefined) => {
			if (!relation?.isPartition) return;
			for (const parent of relation.parents) {
				found.add(parent);
				add(this.byOid.get(parent));
			}
		};
		for (const relation of relations) add(relation);
		return found;
	}
}
