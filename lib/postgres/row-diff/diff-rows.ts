import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import type { ComparedDatabase } from '../compare-databases';
import { withClient } from '../connect';
import { fixOutput } from '../fingerprint';
import { LOCK_WAIT_MS } from '../snapshot';
import { displayTable, tableKey } from '../table-names';
import type { KeptRow, RowDiffOptions, RowDiffResult, TableDiff } from './options';
import { deferSql, deleteSql, insertSql, triggersSql, updateSql } from './patch-sql';
import { differingKeys, keyedDigests, keyText, rowsByKey } from './read-rows';
import { type DiffSchema, type DiffTable, readDiffSchema } from './tables';
import { decideRow, type RowDecision } from './three-way';

const AT_ONCE = 500;
const MOST_KEPT = 100;
export const APPLICATION_NAME = 'backup-recovery row diff';
/** Fix how values are read and written, whoever applies the patch. */
const SETTINGS = ["SET LOCAL DateStyle = 'ISO, YMD';", "SET LOCAL IntervalStyle = 'postgres';", "SET LOCAL TimeZone = 'UTC';", 'SET LOCAL extra_float_digits = 1;', "SET LOCAL bytea_output = 'hex';", "SET LOCAL lc_monetary = 'C';", 'SET LOCAL standard_conforming_strings = on;', "SET LOCAL search_path = '';"];

/**
 * Writes a patch that undoes in the live database what an incident did to its rows, and nothing that came later: what the incident did is the difference between
 * two recovered databases, just before and just after it. Writes to none of the three databases.
 * @throws BackupError `TARGET_NOT_WRITABLE` where the patch file exists or cannot be written; whatever keeps one of the databases from being read
 */
export async function diffRows(options: RowDiffOptions, context: JobContext): Promise<RowDiffResult> {
	return await reading(options.before, 'before the incident', context, async (before) =>
		await reading(options.after, 'after the incident', context, async (after) =>
			await reading(options.live, 'as it is now', context, async (live) => {
				const diff = new RowDiff(options, { before, after, live }, context);
				try {
					return await diff.run();
				} finally {
					await diff.close();
				}
			}),
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

type Phase = 'insert' | 'update' | 'delete';

class RowDiff {
	private readonly notes: string[] = [];
	private readonly keptRows: KeptRow[] = [];
	private readonly parts = new Map<string, { readonly path: string; readonly stream: WriteStream }>();
	private statements = 0;

	constructor(
		private readonly options: RowDiffOptions,
		private readonly sides: Sides,
		private readonly context: JobContext,
	) {}

	async run(): Promise<RowDiffResult> {
		const { options, context } = this;
		if (await stat(options.patchFile).then(() => true, () => false)) throw new BackupError('TARGET_NOT_WRITABLE', `${options.patchFile} exists already.`, 'Choose another name for the patch, or remove that file.');
		const schema = await readDiffSchema(this.sides.live);
		const tables = await this.chooseTables(schema);
		const diffs: TableDiff[] = [];
		const touched: DiffTable[] = [];
		for (const [at, table] of tables.entries()) {
			context.progress({ step: `Comparing rows of ${displayTable(table)}`, done: at, total: tables.length, unit: 'tables' });
			const diff = await this.diffTable(table, schema, at);
			if (diff.inserts + diff.updates + diff.deletes > 0) touched.push(table);
			if (diff.inserts + diff.updates + diff.deletes + diff.kept + diff.mended > 0) diffs.push(diff);
		}
		const patch = touched.length === 0 ? null : await this.writePatch(tables, touched, schema, diffs);
		return { database: options.live.database, tables: diffs, keptRows: this.keptRows, notes: this.notes, patch, sentence: describe(diffs, this.notes) };
	}

	/** Ends what is being written, and removes it; after success nothing is left. */
	async close(): Promise<void> {
		for (const { path, stream } of this.parts.values()) {
			stream.destroy();
			await rm(path, { force: true });
		}
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

	private async diffTable(table: DiffTable, schema: DiffSchema, at: number): Promise<TableDiff> {
		const { sides, context } = this;
		const counts = { inserts: 0, updates: 0, deletes: 0, kept: 0, mended: 0 };
		const referring = schema.foreignKeys.filter((foreign) => foreign.deletesReach && foreign.parentSchema === table.schema && foreign.parentTable === table.name && !(foreign.schema === table.schema && foreign.table === table.name));
		let keys: (readonly string[])[] = [];
		const flush = async () => {
			if (keys.length === 0) return;
			const [before, after, live] = await Promise.all([rowsByKey(sides.before, table, keys), rowsByKey(sides.after, table, keys), rowsByKey(sides.live, table, keys)]);
			for (const key of keys) {
				const text = keyText(key);
				const [was, wrecked, is] = [before.get(text), after.get(text), live.get(text)];
				const decision = decideRow(was, wrecked, is);
				this.count(table, key, decision, counts);
				if (decision.action === 'insert' && was) await this.write(at, 'insert', insertSql(table, was));
				if (decision.action === 'update' && was && wrecked) await this.write(at, 'update', updateSql(table, decision.columns, was, wrecked));
				if (decision.action === 'delete' && wrecked) await this.write(at, 'delete', deleteSql(table, wrecked, referring));
			}
			keys = [];
		};
		for await (const key of differingKeys(keyedDigests(sides.before, table, context.signal), keyedDigests(sides.after, table, context.signal))) {
			throwIfAborted(context.signal);
			keys.push(key);
			if (keys.length >= AT_ONCE) await flush();
		}
		await flush();
		return { table: displayTable(table), ...counts };
	}

	private count(table: DiffTable, key: readonly string[], decision: RowDecision, counts: { -readonly [K in Exclude<keyof TableDiff, 'table'>]: number }): void {
		const keep = (why: KeptRow['why'], columns: readonly number[]) => {
			counts.kept += 1;
			if (this.keptRows.length < MOST_KEPT) this.keptRows.push({ table: displayTable(table), key: [...key], why, columns: columns.map((column) => table.columns[column]?.name ?? '') });
		};
		switch (decision.action) {
			case 'none':
				counts.mended += 1;
				return;
			case 'insert':
				counts.inserts += 1;
				return;
			case 'delete':
				counts.deletes += 1;
				return;
			case 'update':
				counts.updates += 1;
				if (decision.keptColumns.length > 0) keep('changedSince', decision.keptColumns);
				return;
			case 'kept':
				keep(decision.why, decision.columns);
		}
	}

	/** Inserts and updates go into one file each, parents first; deletes into one for each table, so that they can be put in the opposite order. */
	private async write(at: number, phase: Phase, statement: string): Promise<void> {
		const name = phase === 'delete' ? `delete-${at}` : phase;
		let part = this.parts.get(name);
		if (!part) {
			const path = join(this.context.workFolder, `patch-${name}.sql`);
			part = { path, stream: createWriteStream(path, { mode: 0o600 }) };
			this.parts.set(name, part);
		}
		this.statements += 1;
		if (!part.stream.write(`${statement}\n`)) await once(part.stream, 'drain');
	}

	private async writePatch(tables: readonly DiffTable[], touched: readonly DiffTable[], schema: DiffSchema, diffs: readonly TableDiff[]): Promise<RowDiffResult['patch']> {
		const { options, context } = this;
		for (const { stream } of this.parts.values()) {
			stream.end();
			await finished(stream);
		}
		const names = new Set(touched.map(tableKey));
		const cyclic = schema.cyclic.filter((foreign) => names.has(tableKey({ schema: foreign.schema, name: foreign.table })) || names.has(tableKey({ schema: foreign.parentSchema, name: foreign.parentTable })));
		const [triggers, deferred] = [triggersSql(touched), deferSql(cyclic)];
		const head = [
			...headOf(options, diffs, context),
			'BEGIN;',
			...SETTINGS,
			...triggers.off,
			...deferred.off,
			'SET CONSTRAINTS ALL DEFERRED;',
		];
		const foot = ['SET CONSTRAINTS ALL IMMEDIATE;', ...deferred.on, ...triggers.on, 'COMMIT;'];
		const order = ['insert', 'update', ...tables.map((_, at) => `delete-${at}`).reverse()];
		const hash = createHash('sha256');
		let bytes = 0;
		const file = createWriteStream(options.patchFile, { flags: 'wx', mode: 0o600 });
		const put = async (chunk: Buffer) => {
			hash.update(chunk);
			bytes += chunk.length;
			if (!file.write(chunk)) await once(file, 'drain');
		};
		try {
			await put(Buffer.from(`${head.join('\n')}\n`));
			for (const name of order) {
				const part = this.parts.get(name);
				if (part) for await (const chunk of createReadStream(part.path, { signal: context.signal })) await put(chunk as Buffer);
			}
			await put(Buffer.from(`${foot.join('\n')}\n`));
			file.end();
			await finished(file);
		} catch (error) {
			file.destroy();
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(options.patchFile, { force: true });
			throwIfAborted(context.signal);
			throw new BackupError('TARGET_NOT_WRITABLE', `The patch cannot be written to ${options.patchFile} (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Choose a file in a folder that the job may write.', { cause: error });
		}
		return { file: options.patchFile, sha256: hash.digest('hex'), statements: this.statements, bytes };
	}
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

function headOf({ before, after, live }: RowDiffOptions, diffs: readonly TableDiff[], context: JobContext): string[] {
	const lines = [
		`Patch for the database ${JSON.stringify(live.database)}, written at ${context.now().toISOString()}.`,
		`It undoes the difference between ${JSON.stringify(before.database)} just before and ${JSON.stringify(after.database)} just after an incident, and keeps what came later.`,
		'Read it. Then apply it with "Apply Row Patch" or "backup-recovery apply-patch", which count that every statement changes exactly one row and take all back otherwise.',
		...diffs.map(({ table, inserts, updates, deletes, kept }) => `${table}: ${inserts} to insert, ${updates} to update, ${deletes} to delete; ${kept} changed again since and left.`),
	];
	// A name with a line break must not become a statement.
	return lines.map((line) => `-- ${line.replaceAll(/[\n\r]/g, ' ')}`);
}

function describe(diffs: readonly TableDiff[], notes: readonly string[]): string {
	const sum = (count: (diff: TableDiff) => number) => diffs.reduce((total, diff) => total + count(diff), 0);
	const [inserts, updates, deletes, kept] = [sum((diff) => diff.inserts), sum((diff) => diff.updates), sum((diff) => diff.deletes), sum((diff) => diff.kept)];
	const more = notes.length === 0 ? '' : ` ${notes.length === 1 ? 'One thing' : `${notes.length} things`} a patch of rows cannot bring back.`;
	if (inserts + updates + deletes === 0) return `No row has to be brought back${kept > 0 ? `; ${kept} were changed again since and left as they are` : ''}.${more}`;
	return `${inserts} rows to insert, ${updates} to update, ${deletes} to delete; ${kept} were changed again since and left as they are.${more}`;
}
