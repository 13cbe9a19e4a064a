import { stat } from 'node:fs/promises';
import type pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { ComparedDatabase } from '../compare-databases';
import { withClient } from '../connect';
import { fixOutput } from '../fingerprint';
import { LOCK_WAIT_MS } from '../snapshot';
import { displayTable, tableKey } from '../table-names';
import { childOf, parentOf } from './foreign-keys';
import { type LiveFacts, readFacts } from './live-facts';
import type { KeptRow, RowDiffOptions, RowDiffResult, TableDiff } from './options';
import { orderActions } from './order-actions';
import { compareKeys, differingKeys, keyedDigests, keyText, rowsByKey } from './read-rows';
import { placesOf, type RowAction } from './row-action';
import { sequencesBehind } from './sequences';
import { Settlement } from './settle';
import { type DiffSchema, type DiffTable, readDiffSchema } from './tables';
import { decideRow, type RowValues } from './three-way';
import { writePatch } from './write-patch';

const AT_ONCE = 500;
const MOST_KEPT = 100;
export const APPLICATION_NAME = 'backup-recovery row diff';

/**
 * Writes a patch that undoes in the live database what an incident did to its rows, and nothing that came later: what the incident did is the difference between
 * two recovered databases, just before and just after it. Writes to none of the three databases.
 * @throws BackupError `TARGET_NOT_WRITABLE` where the patch file exists or cannot be written; whatever keeps one of the databases from being read
 */
export async function diffRows(options: RowDiffOptions, context: JobContext): Promise<RowDiffResult> {
	return await reading(options.before, 'before the incident', context, async (before) =>
		await reading(options.after, 'after the incident', context, async (after) =>
			await reading(options.live, 'as it is now', context, async (live) => await new RowDiff(options, { before, after, live }, context).run()),
		),
	);
}

async function reading<T>({ connection, database }: ComparedDatabase, which: string, { signal }: JobContext, body: (client: pg.Client) => Promise<T>): Promise<T> {
	return await withClient(connection, { database, signal, applicationName: APPLICATION_NAME, doing: `reading "${database}" ${which}` }, async (client) => {
		await client.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
		await fixOutput(client);
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
		return await body(client);
	});
}

interface Sides {
	readonly before: pg.Client;
	readonly after: pg.Client;
	readonly live: pg.Client;
}

type Counts = { -readonly [K in Exclude<keyof TableDiff, 'table'>]: number };
const COUNTED = { insert: 'inserts', update: 'updates', delete: 'deletes' } as const;

class RowDiff {
	private readonly notes: string[] = [];
	private readonly keptRows: KeptRow[] = [];
	private readonly actions: RowAction[] = [];
	private readonly facts = new Map<RowAction, LiveFacts>();

	constructor(
		private readonly options: RowDiffOptions,
		private readonly sides: Sides,
		private readonly context: JobContext,
	) {}

	async run(): Promise<RowDiffResult> {
		const { options, context, sides } = this;
		if (await stat(options.patchFile).then(() => true, () => false)) throw new BackupError('TARGET_NOT_WRITABLE', `${options.patchFile} exists already.`, 'Choose another name for the patch, or remove that file.');
		const schema = await readDiffSchema(sides.live);
		const tables = await this.chooseTables(schema);
		const counts = new Map<DiffTable, Counts>();
		for (const [at, table] of tables.entries()) {
			context.progress({ step: `Comparing rows of ${displayTable(table)}`, done: at, total: tables.length, unit: 'tables' });
			counts.set(table, await this.diffTable(table, schema));
		}
		const settlement = new Settlement(schema, this.actions, this.facts);
		const ordered = orderActions(settlement, (actions) => inTurn(actions, tables));
		for (const action of this.actions) this.count(action, settlement.stands(action), counts.get(action.table));
		const diffs = tables.flatMap((table): TableDiff[] => {
			const found = counts.get(table);
			return found && Object.values(found).some((count) => count > 0) ? [{ table: displayTable(table), ...found }] : [];
		});
		this.notes.push(...(await sequencesBehind(sides.before, sides.live)));
		const patch = ordered.actions.length === 0 ? null : await writePatch({ file: options.patchFile, comment: headOf(options, diffs, this.notes, context), ordered, schema, sides, preview: options.previewStatements }, context);
		return { database: options.live.database, tables: diffs, keptRows: this.keptInTurn(tables), notes: this.notes, patch, sentence: describe(diffs, this.notes) };
	}

	/** Tables of the live database, parents first, that are the same table on all three sides. */
	private async chooseTables(live: DiffSchema): Promise<DiffTable[]> {
		const [before, after] = await Promise.all([readDiffSchema(this.sides.before), readDiffSchema(this.sides.after)]);
		const wanted = new Set(this.options.tables);
		const isWanted = (table: DiffTable) => wanted.size === 0 || wanted.delete(displayTable(table)) || this.options.tables.includes(displayTable(table));
		const [ofAfter, ofLive] = [byKey(after), byKey(live)];
		const chosen = new Set<string>();
		for (const table of before.tables.filter(isWanted)) {
			const key = tableKey(table);
			const [then, now] = [ofAfter.get(key), ofLive.get(key)];
			const note = noteOn(table, then, now);
			if (note !== undefined) this.notes.push(note);
			else if (then !== undefined && now !== undefined) chosen.add(key);
		}
		if (wanted.size > 0) throw new BackupError('TABLE_NOT_FOUND', `Before the incident there was no table ${[...wanted].join(', ')}.`, 'Write them as schema.table, as the database does.');
		for (const table of after.tables) if (!byKey(before).has(tableKey(table)) && ofLive.has(tableKey(table)) && isWanted(table)) this.notes.push(`${displayTable(table)} was created by the incident, and is left as it is.`);
		return live.tables.filter((table) => chosen.has(tableKey(table)));
	}

	private async diffTable(table: DiffTable, schema: DiffSchema): Promise<Counts> {
		const { sides, context } = this;
		const counts: Counts = { inserts: 0, updates: 0, deletes: 0, kept: 0, mended: 0 };
		const ruled = ruledColumns(table, schema);
		const onlyRuled = (row: RowValues | undefined) => row?.map((value, at) => (ruled.has(at) ? value : null));
		let keys: (readonly string[])[] = [];
		const flush = async () => {
			if (keys.length === 0) return;
			const [before, after, live] = await Promise.all([rowsByKey(sides.before, table, keys), rowsByKey(sides.after, table, keys), rowsByKey(sides.live, table, keys)]);
			const actions: RowAction[] = [];
			for (const key of keys) {
				const text = keyText(key);
				const [was, is] = [before.get(text), live.get(text)];
				const decision = decideRow(was, after.get(text), is);
				if (decision.action === 'none') counts.mended += 1;
				else if (decision.action === 'kept') {
					counts.kept += 1;
					this.keep(table, key, decision.why, decision.columns);
				} else {
					const [columns, keptColumns] = decision.action === 'update' ? [decision.columns, decision.keptColumns] : [[], []];
					const kept = keptColumns.length === 0 ? [] : [{ why: 'changedSince' as const, columns: keptColumns }];
					actions.push({ table, key, kind: decision.action, live: onlyRuled(is), before: onlyRuled(was), columns, kept });
				}
			}
			for (const [action, facts] of await readFacts(sides.live, schema, table, actions)) this.facts.set(action, facts);
			this.actions.push(...actions);
			keys = [];
		};
		for await (const key of differingKeys(keyedDigests(sides.before, table, context.signal), keyedDigests(sides.after, table, context.signal))) {
			throwIfAborted(context.signal);
			keys.push(key);
			if (keys.length >= AT_ONCE) await flush();
		}
		await flush();
		return counts;
	}

	private count({ table, key, kind, kept }: RowAction, stands: boolean, counts: Counts | undefined): void {
		if (!counts) return;
		if (stands) counts[COUNTED[kind]] += 1;
		if (kept.length > 0) counts.kept += 1;
		for (const { why, columns } of kept) this.keep(table, key, why, columns);
	}

	private keptInTurn(tables: readonly DiffTable[]): KeptRow[] {
		const place = new Map(tables.map((table, at) => [displayTable(table), at]));
		return this.keptRows.sort((one, other) => (place.get(one.table) ?? 0) - (place.get(other.table) ?? 0) || compareKeys(one.key, other.key));
	}

	private keep(table: DiffTable, key: readonly string[], why: KeptRow['why'], columns: readonly number[]): void {
		if (this.keptRows.length < MOST_KEPT) this.keptRows.push({ table: displayTable(table), key: [...key], why, columns: columns.map((column) => table.columns[column]?.name ?? '') });
	}
}

/** Children are deleted first, parents are inserted first, as far as rows do not ask for another order. */
function inTurn(actions: readonly RowAction[], tables: readonly DiffTable[]): RowAction[] {
	const place = new Map(tables.map((table, at) => [table, at]));
	const of = (kind: RowAction['kind'], sign: 1 | -1) => actions.filter((action) => action.kind === kind).sort((one, other) => sign * ((place.get(one.table) ?? 0) - (place.get(other.table) ?? 0)));
	return [...of('delete', -1), ...of('update', 1), ...of('insert', 1)];
}

/** Places of the columns that a key, a unique rule or a foreign key is about. */
function ruledColumns(table: DiffTable, { foreignKeys }: DiffSchema): Set<number> {
	const own = tableKey(table);
	const names = [...table.key, ...table.uniques.flatMap(({ columns }) => columns), ...foreignKeys.flatMap((foreign) => [...(childOf(foreign) === own ? foreign.columns : []), ...(parentOf(foreign) === own ? foreign.parentColumns : [])])];
	return new Set(placesOf(table, names));
}

function byKey({ tables }: DiffSchema): Map<string, DiffTable> {
	return new Map(tables.map((table) => [tableKey(table), table]));
}

/** Why rows of a table cannot be brought back one by one; undefined where they can. */
function noteOn(table: DiffTable, after: DiffTable | undefined, live: DiffTable | undefined): string | undefined {
	const name = displayTable(table);
	const shape = ({ columns, key }: DiffTable) => JSON.stringify([columns, key]);
	if (after === undefined) return `${name} was dropped by the incident: bring the whole table back by a swap, or restore it from the database recovered to just before.`;
	if (live === undefined) return `${name} does not exist any more, and was dropped after the incident.`;
	if (table.key.length === 0) return `${name} has no primary key: its rows cannot be told apart, and were not compared.`;
	if (table.columns.some((column) => column.name.includes('\n')) || name.includes('\n')) return `${JSON.stringify(name)} has a line break in a name, and was not compared.`;
	if (shape(table) !== shape(after)) return `${name} got other columns or another key by the incident, and was not compared.`;
	if (shape(table) !== shape(live)) return `${name} has got other columns or another key since, and was not compared.`;
	return undefined;
}

function headOf({ before, after, live }: RowDiffOptions, diffs: readonly TableDiff[], notes: readonly string[], context: JobContext): string[] {
	const lines = [
		`Patch for the database ${JSON.stringify(live.database)}, written at ${context.now().toISOString()}.`,
		`It undoes the difference between ${JSON.stringify(before.database)} just before and ${JSON.stringify(after.database)} just after an incident, and keeps what came later.`,
		'Read it. Then apply it with "Apply Row Patch" or "backup-recovery apply-patch", which count that every statement changes exactly one row and take all back otherwise.',
		...diffs.map(({ table, inserts, updates, deletes, kept }) => `${table}: ${inserts} to insert, ${updates} to update, ${deletes} to delete; ${kept} left as they are, all or some of their values.`),
		...notes,
	];
	// A name with a line break must not become a statement.
	return lines.map((line) => `-- ${line.replaceAll(/[\n\r]/g, ' ')}`);
}

function describe(diffs: readonly TableDiff[], notes: readonly string[]): string {
	const sum = (count: (diff: TableDiff) => number) => diffs.reduce((total, diff) => total + count(diff), 0);
	const [inserts, updates, deletes, kept] = [sum((diff) => diff.inserts), sum((diff) => diff.updates), sum((diff) => diff.deletes), sum((diff) => diff.kept)];
	const more = notes.length === 0 ? '' : ` ${notes.length === 1 ? 'One thing' : `${notes.length} things`} a patch of rows cannot bring back.`;
	if (inserts + updates + deletes === 0) return `No row has to be brought back${kept > 0 ? `; ${kept} are left as they are` : ''}.${more}`;
	return `${inserts} rows to insert, ${updates} to update, ${deletes} to delete; ${kept} are left as they are, all or some of their values.${more}`;
}
