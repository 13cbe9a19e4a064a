import type pg from 'pg';
import type { PostgresProof, TableProof } from '../catalog/postgres-manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { concurrently } from './concurrently';
import { withClient } from './connect';
import type { PostgresConnection } from './connection-settings';
import { takeProof } from './proof';
import { LOCK_WAIT_MS } from './snapshot';
import { tableKey } from './table-names';

/** One of the two databases. */
export interface ComparedDatabase {
	readonly connection: PostgresConnection;
	readonly database: string;
}

export interface CompareDatabasesOptions {
	/** The database as it is now. Where it does not exist any more, every table counts as only recovered. */
	readonly live: ComparedDatabase;
	/** The database of an earlier time, such as one that was recovered beside the live one. */
	readonly recovered: ComparedDatabase;
	/** Compare contents too: reads and digests every row of both. Without it, an UPDATE does not show. */
	readonly fingerprint: boolean;
}

/** `sameRows`: as many rows on both sides, contents not compared. `missing`: only the recovered one has it. `new`: only the live one. */
export type TableState = 'same' | 'sameRows' | 'changed' | 'missing' | 'new';

export interface ComparedTable {
	readonly schema: string;
	readonly name: string;
	/** Rows of the recovered database; null: it has no such table. */
	readonly rowsBefore: number | null;
	/** Rows of the live database; null: it has no such table. */
	readonly rowsNow: number | null;
	readonly state: TableState;
}

export interface DatabaseComparison {
	readonly equal: boolean;
	/** Whether contents were compared, or rows counted only. */
	readonly contentsCompared: boolean;
	/** When each was read, by its own server's clock (ISO 8601); null: the live database does not exist. */
	readonly liveReadAt: string | null;
	readonly recoveredReadAt: string;
	/** All tables of both that hold rows of their own, by schema and name. */
	readonly tables: ComparedTable[];
	/** Those that are not the same, as `schema.table`. */
	readonly changedTables: string[];
	/** Other differences, in words: large objects, and kinds of objects of which there are more or fewer. */
	readonly otherDifferences: string[];
	/** One sentence for people. */
	readonly sentence: string;
}

/**
 * Compares what a live database holds with what a recovered one holds, each read in one snapshot of its own. Writes nothing to
 * either: both are read in read-only transactions.
 * @throws BackupError `DATABASE_NOT_FOUND` where the recovered one does not exist, and whatever keeps either from being read
 */
export async function compareDatabases(options: CompareDatabasesOptions, context: Pick<JobContext, 'signal' | 'progress'>): Promise<DatabaseComparison> {
	const { live, recovered, fingerprint } = options;
	// Both go on at the same time, and hold about the same: the progress of one stands for both.
	const [after, before] = await concurrently(
		context.signal,
		async (signal) => await contentsUnlessGone(live, fingerprint, signal),
		async (signal) => await readContents(recovered, fingerprint, 'reading the recovered database', { signal, progress: context.progress }),
	);
	return compareContents(before, after, fingerprint);
}

async function contentsUnlessGone(side: ComparedDatabase, fingerprint: boolean, signal: AbortSignal): Promise<PostgresProof | null> {
	try {
		return await readContents(side, fingerprint, 'reading the live database', { signal, progress: () => undefined });
	} catch (error) {
		if (error instanceof BackupError && error.code === 'DATABASE_NOT_FOUND') return null;
		throw error;
	}
}

async function readContents(
	{ connection, database }: ComparedDatabase,
	fingerprint: boolean,
	doing: string,
	context: Pick<JobContext, 'signal' | 'progress'>,
): Promise<PostgresProof> {
	const session = { database, signal: context.signal, applicationName: 'backup-recovery compare', doing: `${doing} "${database}"` };
	return await withClient(connection, session, async (client) => {
		await beginReadOnly(client);
		const proof = await takeProof(client, { fingerprint, ...context });
		await client.query('ROLLBACK');
		return proof;
	});
}

/** One moment of the database, also on a standby or a server that has paused in recovery (which exports no snapshots). */
async function beginReadOnly(client: pg.Client): Promise<void> {
	await client.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
	await client.query('SET row_security = off');
	await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

/** @param live null: the database does not exist any more */
export function compareContents(recovered: PostgresProof, live: PostgresProof | null, contentsCompared: boolean): DatabaseComparison {
	const before = byKey(recovered.tables);
	const now = byKey(live?.tables ?? []);
	const tables = [...new Map([...before, ...now]).entries()]
		.map(([key, table]) => compareTable(table, before.get(key), now.get(key)))
		.sort((one, other) => order(one.schema, other.schema) || order(one.name, other.name));
	const changedTables = tables.filter(({ state }) => state !== 'same' && state !== 'sameRows').map(({ schema, name }) => `${schema}.${name}`);
	const otherDifferences = live === null ? [] : compareOthers(recovered, live);
	return {
		equal: live !== null && changedTables.length === 0 && otherDifferences.length === 0,
		contentsCompared,
		liveReadAt: live?.takenAt ?? null,
		recoveredReadAt: recovered.takenAt,
		tables,
		changedTables,
		otherDifferences,
		sentence: describe(tables, live !== null, contentsCompared),
	};
}

function compareTable({ schema, name }: TableProof, before: TableProof | undefined, now: TableProof | undefined): ComparedTable {
	return { schema, name, rowsBefore: before?.rows ?? null, rowsNow: now?.rows ?? null, state: stateOf(before, now) };
}

function stateOf(before: TableProof | undefined, now: TableProof | undefined): TableState {
	if (now === undefined) return 'missing';
	if (before === undefined) return 'new';
	if (before.rows !== now.rows) return 'changed';
	if (before.fingerprint === undefined || now.fingerprint === undefined) return 'sameRows';
	return before.fingerprint === now.fingerprint ? 'same' : 'changed';
}

function compareOthers(before: PostgresProof, now: PostgresProof): string[] {
	const differences: string[] = [];
	const [had, has] = [before.largeObjects, now.largeObjects];
	if (had?.count !== has?.count) differences.push(`${has?.count ?? 0} large objects now, ${had?.count ?? 0} before`);
	else if (had?.fingerprint !== has?.fingerprint) differences.push(`large objects with other contents`);
	for (const kind of new Set([...Object.keys(before.objects), ...Object.keys(now.objects)])) {
		const [then, today] = [before.objects[kind] ?? 0, now.objects[kind] ?? 0];
		if (then !== today) differences.push(`${today} objects of kind "${kind}" now, ${then} before`);
	}
	return differences;
}

function describe(tables: readonly ComparedTable[], exists: boolean, contentsCompared: boolean): string {
	const count = (...states: TableState[]) => tables.filter(({ state }) => states.includes(state)).length;
	if (!exists) return `The live database does not exist; the recovered one has ${tables.length} tables.`;
	const equal = contentsCompared ? `${count('same')} have the same contents` : `${count('same', 'sameRows')} have as many rows (contents were not compared)`;
	return `Of ${tables.length} tables, ${equal}, ${count('changed')} differ, ${count('missing')} are only in the recovered database, ${count('new')} only in the live one.`;
}

function byKey(tables: readonly TableProof[]): Map<string, TableProof> {
	return new Map(tables.map((table) => [tableKey(table), table]));
}

/** By code units, as the order of names that takeProof gives. */
function order(one: string, other: string): number {
	return one === other ? 0 : one < other ? -1 : 1;
}
