import { createHash, type Hash } from 'node:crypto';
import pg from 'pg';
import { throwIfAborted } from '../core/errors';
import { holdsRows, type Relation } from './relations';
import { quoteTable } from './table-names';

/**
 * Settings that fix how values are written as text, so that equal values give equal text on every server and major version.
 * https://www.postgresql.org/docs/current/runtime-config-client.html
 */
const FIXED_OUTPUT: Readonly<Record<string, string>> = {
	row_security: 'off',
	search_path: '',
	DateStyle: 'ISO, YMD',
	IntervalStyle: 'postgres',
	TimeZone: 'UTC',
	extra_float_digits: '1',
	bytea_output: 'hex',
	lc_monetary: 'C',
	lc_numeric: 'C',
	xmloption: 'content',
	xmlbinary: 'base64',
	quote_all_identifiers: 'off',
	array_nulls: 'on',
};

/** Fixes for the session how values are written; rows that a policy hides make a query fail instead of being left out. */
export async function fixOutput(client: pg.Client): Promise<void> {
	await client.query('SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s(name, value)', [
		Object.keys(FIXED_OUTPUT),
		Object.values(FIXED_OUTPUT),
	]);
}

/** How a database's text becomes UTF-8 bytes. */
export type TextEncoding = 'as-is' | 'to-utf8';

export async function readTextEncoding(client: pg.Client): Promise<TextEncoding> {
	const { rows } = await client.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
	// SQL_ASCII holds bytes of no known encoding: nothing to convert from.
	return rows[0]?.encoding === 'UTF8' || rows[0]?.encoding === 'SQL_ASCII' ? 'as-is' : 'to-utf8';
}

export interface TableContent {
	readonly rows: number;
	/**
	 * `1:<sum>:<sum>`: MD5 over each row's text, each half of it (60 bits) added up over all rows. Sums do not depend on the
	 * order of rows, and differ when a row is missing, changed or there twice.
	 */
	readonly fingerprint?: string;
}

/** Counts a table's own rows (not those of tables that inherit from it) and, where wanted, takes their fingerprint. */
export async function readTableContent(
	client: pg.Client,
	relation: Relation,
	encoding: TextEncoding,
	fingerprint: boolean,
): Promise<TableContent> {
	if (!holdsRows(relation)) throw new Error(`${relation.schema}.${relation.name} holds no rows of its own`);
	const from = `FROM ONLY ${quoteTable(relation)} AS r ${relation.extensionCondition ?? ''}`;
	if (!fingerprint) {
		const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows ${from}`);
		return { rows: Number(rows[0]?.rows) };
	}
	const text =
		relation.storedColumns === null
			? '(r.*)::text'
			: `ROW(${relation.storedColumns.map((name) => `r.${pg.escapeIdentifier(name)}`).join(', ')})::text`;
	const digest = encoding === 'as-is' ? `md5(${text})` : `md5(convert_to(${text}, 'UTF8'))`;
	const { rows } = await client.query<{ rows: string; first: string; second: string }>(
		`SELECT count(*) AS rows, coalesce(sum(('x' || left(digest, 15))::bit(60)::bigint), 0) AS first,
			coalesce(sum(('x' || right(digest, 15))::bit(60)::bigint), 0) AS second
		FROM (SELECT ${digest} AS digest ${from}) AS digests`,
	);
	const row = rows[0];
	return { rows: Number(row?.rows), fingerprint: `1:${row?.first}:${row?.second}` };
}

const LARGE_OBJECT_CHUNK = 1024 * 1024;
const LARGE_OBJECTS_AT_ONCE = 200;

export type LargeObjectContent = {
	readonly count: number;
	/** `1:<SHA-256>` over oid, length and MD5 of each MiB of every large object, in the order of their oids. */
	readonly fingerprint?: string;
};

/** Counts the large objects and, where wanted, takes the fingerprint of their contents. */
export async function readLargeObjects(
	client: pg.Client,
	fingerprint: boolean,
	signal: AbortSignal,
): Promise<LargeObjectContent> {
	if (!fingerprint) {
		const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM pg_largeobject_metadata');
		return { count: Number(rows[0]?.count) };
	}
	const total = createHash('sha256');
	let count = 0;
	let after = '0';
	for (;;) {
		throwIfAborted(signal);
		const { rows } = await client.query<{ oid: string }>(
			'SELECT oid::text FROM pg_largeobject_metadata WHERE oid > $1::oid ORDER BY oid LIMIT $2',
			[after, LARGE_OBJECTS_AT_ONCE],
		);
		const last = rows.at(-1);
		if (!last) return { count, fingerprint: `1:${total.digest('hex')}` };
		const oids = rows.map((row) => row.oid);
		const digests = await digestLargeObjects(client, oids, signal);
		for (const oid of oids) total.update(`${oid}:${digests.get(oid)};`);
		count += oids.length;
		after = last.oid;
	}
}

/** Reads the objects side by side, a chunk of each at a time: their sizes can be seen only by a superuser. */
async function digestLargeObjects(client: pg.Client, oids: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
	const open = new Map<string, { hash: Hash; bytes: number }>(oids.map((oid) => [oid, { hash: createHash('sha256'), bytes: 0 }]));
	const done = new Map<string, string>();
	for (let offset = 0; open.size > 0; offset += LARGE_OBJECT_CHUNK) {
		throwIfAborted(signal);
		const { rows } = await client.query<{ oid: string; digest: string; bytes: number }>(
			`SELECT o.oid::text, md5(c.chunk) AS digest, length(c.chunk) AS bytes
			FROM unnest($1::oid[]) AS o(oid), LATERAL (SELECT lo_get(o.oid, $2::bigint, $3::int) AS chunk OFFSET 0) AS c`,
			[[...open.keys()], offset, LARGE_OBJECT_CHUNK],
		);
		for (const row of rows) {
			const state = open.get(row.oid);
			if (!state) continue;
			state.hash.update(row.digest);
			state.bytes += row.bytes;
			if (row.bytes === LARGE_OBJECT_CHUNK) continue;
			open.delete(row.oid);
			done.set(row.oid, `${state.bytes}:${state.hash.digest('hex')}`);
		}
	}
	return done;
}
