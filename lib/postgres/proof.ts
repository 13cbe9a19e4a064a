import type pg from 'pg';
import type { PostgresProof, TableName, TableProof } from '../catalog/postgres-manifest';
import { BackupError, throwIfAborted } from '../core/errors';
import type { ProgressReporter } from '../core/progress';
import { fixOutput, readLargeObjects, readTableContent, readTextEncoding } from './fingerprint';
import { readObjectInventory } from './object-inventory';
import { holdsRows, listRelations, type Relation } from './relations';
import { displayTable, tableKey } from './table-names';

export interface ProofOptions {
	/** Exactly these tables; left out: every table that a full dump carries rows of. Those that are not there are left out. */
	readonly tables?: readonly TableName[];
	/** Also take the fingerprint of all contents: reads and digests every byte. */
	readonly fingerprint: boolean;
	/** Count large objects too; default true. */
	readonly largeObjects?: boolean;
	readonly signal: AbortSignal;
	readonly progress: ProgressReporter;
}

/**
 * Takes down what a database holds, to be compared with what a restored one holds. Run it inside the snapshot of the dump, or
 * on a restored database that nobody writes to. Changes settings of the session (how values are written as text).
 * With chosen tables there are no counts of objects, because a dump of some tables carries few of them.
 */
export async function takeProof(client: pg.Client, options: ProofOptions): Promise<PostgresProof> {
	await fixOutput(client);
	const encoding = await readTextEncoding(client);
	const takenAt = await readSnapshotTime(client);
	const relations = chooseTables(await listRelations(client), options.tables);
	const tables: TableProof[] = [];
	const step = options.fingerprint ? 'Taking the fingerprint of every table' : 'Counting the rows of every table';
	for (const relation of relations) {
		throwIfAborted(options.signal);
		const content = await readTableContent(client, relation, encoding, options.fingerprint);
		if (!Number.isSafeInteger(content.rows))
			throw new BackupError('INTERNAL', `${displayTable(relation)} gave no row count.`, 'Report this as a bug.');
		tables.push({ schema: relation.schema, name: relation.name, ...content });
		options.progress({ step, done: tables.length, total: relations.length, unit: 'tables' });
	}
	const largeObjects =
		options.largeObjects === false ? undefined : await readLargeObjects(client, options.fingerprint, options.signal);
	const objects = options.tables ? {} : await readObjectInventory(client);
	return { takenAt, scope: options.tables ? 'selection' : 'exact', tables, ...(largeObjects ? { largeObjects } : {}), objects };
}

function chooseTables(relations: readonly Relation[], chosen: readonly TableName[] | undefined): Relation[] {
	const all = relations.filter(holdsRows);
	if (!chosen) return all;
	const wanted = new Set(chosen.map(tableKey));
	return all.filter((relation) => wanted.has(tableKey(relation)));
}

/** By the server's clock; inside a snapshot, when its transaction began. */
async function readSnapshotTime(client: pg.Client): Promise<string> {
	const { rows } = await client.query<{ at: string }>(
		`SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`,
	);
	return rows[0]?.at ?? '';
}
