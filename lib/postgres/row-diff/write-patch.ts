import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import { tableKey } from '../table-names';
import { parentOf } from './foreign-keys';
import type { WrittenPatch } from './options';
import type { OrderedActions } from './order-actions';
import { deferSql, deleteSql, insertSql, triggersSql, updateSql } from './patch-sql';
import { keyText, rowsByKey } from './read-rows';
import { nameOf, type RowAction } from './row-action';
import type { DiffSchema, DiffTable } from './tables';
import type { RowValues } from './three-way';

export interface PatchToWrite {
	readonly file: string;
	/** Lines of comment at its head. */
	readonly comment: readonly string[];
	readonly ordered: OrderedActions;
	readonly schema: DiffSchema;
	readonly sides: { readonly before: pg.Client; readonly after: pg.Client };
	readonly preview: number;
}

const AT_ONCE = 500;
const LONGEST_PREVIEW = 400;
/** What others commit meanwhile is refused, not overwritten: a row that begins to refer to one that goes, for instance. */
export const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ;';
/** Fix how values are read and written, whoever applies the patch. */
const SETTINGS = ["SET LOCAL DateStyle = 'ISO, YMD';", "SET LOCAL IntervalStyle = 'postgres';", "SET LOCAL TimeZone = 'UTC';", 'SET LOCAL extra_float_digits = 1;', "SET LOCAL bytea_output = 'hex';", "SET LOCAL lc_monetary = 'C';", 'SET LOCAL standard_conforming_strings = on;', "SET LOCAL search_path = '';"];

/**
 * Writes a patch, which only the job's user may read, reading the rows anew from the two recovered databases.
 * @throws BackupError `TARGET_NOT_WRITABLE`; no file is left then
 */
export async function writePatch({ file: path, comment, ordered, schema, sides, preview: most }: PatchToWrite, { signal }: JobContext): Promise<WrittenPatch> {
	const [triggers, deferred] = [triggersSql([...new Set(ordered.actions.map(({ table }) => table))]), deferSql(ordered.deferred)];
	const hash = createHash('sha256');
	const preview: string[] = [];
	let bytes = 0;
	const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
	const put = async (lines: readonly string[]) => {
		const chunk = Buffer.from(lines.map((line) => `${line}\n`).join(''));
		hash.update(chunk);
		bytes += chunk.length;
		if (!file.write(chunk)) await once(file, 'drain');
	};
	try {
		await put([...comment, BEGIN, ...SETTINGS, ...triggers.off, ...deferred.off, 'SET CONSTRAINTS ALL DEFERRED;']);
		for (let at = 0; at < ordered.actions.length; at += AT_ONCE) {
			throwIfAborted(signal);
			const statements = await statementsFor(ordered.actions.slice(at, at + AT_ONCE), schema, sides);
			for (const statement of statements.slice(0, most - preview.length)) preview.push(statement.length > LONGEST_PREVIEW ? `${statement.slice(0, LONGEST_PREVIEW)} …` : statement);
			await put(statements);
		}
		await put(['SET CONSTRAINTS ALL IMMEDIATE;', ...deferred.on, ...triggers.on, 'COMMIT;']);
		file.end();
		await finished(file);
	} catch (error) {
		file.destroy();
		const { code } = error as NodeJS.ErrnoException;
		if (code !== 'EEXIST') await rm(path, { force: true });
		throwIfAborted(signal);
		if (code === undefined || !('syscall' in (error as object))) throw error;
		throw new BackupError('TARGET_NOT_WRITABLE', `The patch cannot be written to ${path} (${code}).`, 'Choose a file in a folder that the job may write.', { cause: error });
	}
	return { file: path, sha256: hash.digest('hex'), statements: ordered.actions.length, bytes, preview };
}

async function statementsFor(actions: readonly RowAction[], schema: DiffSchema, sides: PatchToWrite['sides']): Promise<string[]> {
	const rows = new Map<string, { readonly was: RowValues | undefined; readonly wrecked: RowValues | undefined }>();
	for (const table of new Set(actions.map((action) => action.table))) {
		const own = actions.filter((action) => action.table === table);
		const keys = own.map(({ key }) => key);
		const [before, after] = await Promise.all([rowsByKey(sides.before, table, keys), rowsByKey(sides.after, table, keys)]);
		for (const action of own) rows.set(nameOf(action), { was: before.get(keyText(action.key)), wrecked: after.get(keyText(action.key)) });
	}
	return actions.flatMap((action) => {
		const { was, wrecked } = rows.get(nameOf(action)) ?? { was: undefined, wrecked: undefined };
		return statementFor(action, was, wrecked, schema) ?? [];
	});
}

function statementFor({ kind, table, columns }: RowAction, was: RowValues | undefined, wrecked: RowValues | undefined, schema: DiffSchema): string | undefined {
	switch (kind) {
		case 'insert':
			return was && insertSql(table, was);
		case 'update':
			return was && wrecked && updateSql(table, columns, was, wrecked, referringTo(table, schema));
		case 'delete':
			return wrecked && deleteSql(table, wrecked, referringTo(table, schema));
	}
}

function referringTo(table: DiffTable, { foreignKeys }: DiffSchema): DiffSchema['foreignKeys'] {
	return foreignKeys.filter((foreign) => parentOf(foreign) === tableKey(table));
}
