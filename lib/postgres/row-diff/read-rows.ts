import pg from 'pg';
import { throwIfAborted } from '../../core/errors';
import { readTextEncoding } from '../fingerprint';
import { quoteTable } from '../table-names';
import type { DiffTable } from './tables';
import type { RowValues } from './three-way';

/** A row's key as text, and a digest of all that it holds. */
export interface KeyedDigest {
	readonly key: readonly string[];
	readonly digest: string;
}

const FETCH = 2_000;

/** Keys and digests of all rows of a table, by the bytes of the key's text, which no collation changes. Runs in the session's transaction. */
export async function* keyedDigests(client: pg.Client, table: DiffTable, signal: AbortSignal): AsyncGenerator<KeyedDigest, void, void> {
	const { rows: encodings } = await client.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
	const asBytes = encodings[0]?.encoding === 'SQL_ASCII' ? (text: string) => `${text} COLLATE "C"` : (text: string) => `convert_to(${text}, 'UTF8')`;
	const keys = table.key.map((name) => `r.${pg.escapeIdentifier(name)}::text`);
	const row = `ROW(${table.columns.map(({ name }) => `r.${pg.escapeIdentifier(name)}::text`).join(', ')})::text`;
	const digest = (await readTextEncoding(client)) === 'as-is' ? `md5(${row})` : `md5(convert_to(${row}, 'UTF8'))`;
	await client.query(`DECLARE row_diff NO SCROLL CURSOR FOR SELECT ARRAY[${keys.join(', ')}] AS key, ${digest} AS digest FROM ${from(table)} AS r ORDER BY ${keys.map(asBytes).join(', ')}`);
	try {
		for (;;) {
			throwIfAborted(signal);
			const { rows } = await client.query<KeyedDigest>(`FETCH ${FETCH} FROM row_diff`);
			if (rows.length === 0) return;
			yield* rows;
		}
	} finally {
		// A session that broke has no cursor any more, and its own error is the one that counts.
		await client.query('CLOSE row_diff').catch(() => undefined);
	}
}

/** The rows with these keys, by `keyText`. */
export async function rowsByKey(client: pg.Client, table: DiffTable, keys: readonly (readonly string[])[]): Promise<Map<string, RowValues>> {
	const types = table.key.map((name) => table.columns.find((column) => column.name === name)?.type ?? 'text');
	const wanted = types.map((type, at) => `w.k${at}::${type} = r.${pg.escapeIdentifier(table.key[at] ?? '')}`).join(' AND ');
	const names = types.map((_, at) => `k${at}`).join(', ');
	const unnested = `unnest(${types.map((_, at) => `$${at + 1}::text[]`).join(', ')}) AS w(${names})`;
	const columns = table.columns.map(({ name }) => `r.${pg.escapeIdentifier(name)}::text`).join(', ');
	const { rows } = await client.query<{ key: string[]; values: (string | null)[] }>(
		`SELECT ARRAY[${table.key.map((name) => `r.${pg.escapeIdentifier(name)}::text`).join(', ')}] AS key, ARRAY[${columns}]::text[] AS values FROM ${unnested} JOIN ${from(table)} AS r ON ${wanted}`,
		types.map((_, at) => keys.map((key) => key[at])),
	);
	return new Map(rows.map(({ key, values }) => [keyText(key), values]));
}

export function keyText(key: readonly string[]): string {
	return JSON.stringify(key);
}

/** Keys that are not the same row on both sides: missing on one, or with other contents. Both come in order. */
export async function* differingKeys(before: AsyncIterable<KeyedDigest>, after: AsyncIterable<KeyedDigest>): AsyncGenerator<readonly string[], void, void> {
	const [ones, others] = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()];
	let [one, other] = await Promise.all([ones.next(), others.next()]);
	while (!one.done || !other.done) {
		const order = one.done ? 1 : other.done ? -1 : compareKeys(one.value.key, other.value.key);
		if (order < 0 && !one.done) {
			yield one.value.key;
			one = await ones.next();
		} else if (order > 0 && !other.done) {
			yield other.value.key;
			other = await others.next();
		} else if (!one.done && !other.done) {
			if (one.value.digest !== other.value.digest) yield one.value.key;
			[one, other] = await Promise.all([ones.next(), others.next()]);
		}
	}
}

/** As the server orders them: by the bytes of UTF-8. */
export function compareKeys(one: readonly string[], other: readonly string[]): number {
	for (const [at, text] of one.entries()) {
		const against = other[at] ?? '';
		if (text !== against) return Buffer.compare(Buffer.from(text), Buffer.from(against));
	}
	return 0;
}

function from(table: DiffTable): string {
	return `${table.partitioned ? '' : 'ONLY '}${quoteTable(table)}`;
}
