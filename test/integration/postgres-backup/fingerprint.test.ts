import fc from 'fast-check';
import pg from 'pg';
import { connectClient } from '../../../lib/postgres/connect';
import { fixOutput, readTableContent } from '../../../lib/postgres/fingerprint';
import { takeProof } from '../../../lib/postgres/proof';
import { listRelations, type Relation } from '../../../lib/postgres/relations';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const never = new AbortController().signal;
let server: PostgresServer;
let client: pg.Client;
let relation: Relation;

beforeAll(async () => {
	server = await startPostgres();
	client = await connectClient(server.connection, { signal: never, applicationName: 'fingerprint' });
	await client.query('CREATE TABLE public.t (a text, b numeric, c text[], d bytea)');
	await fixOutput(client);
	relation = (await listRelations(client))[0] as Relation;
}, 60_000);

afterAll(async () => {
	await client?.end();
	await server?.stop();
});

interface Row {
	readonly a: string | null;
	readonly b: number | null;
	readonly c: (string | null)[] | null;
	readonly d: string | null;
}

const text = fc.string({
	unit: fc.constantFrom('a', 'b', ',', '"', '\\', '(', ')', '{', '}', ' ', 'é', '🐘', '\n', '\t', 'N', 'NULL'),
	maxLength: 4,
});
const row: fc.Arbitrary<Row> = fc.record({
	a: fc.option(text),
	b: fc.option(fc.integer({ min: -5, max: 5 })),
	c: fc.option(fc.array(fc.option(text), { maxLength: 2 })),
	d: fc.option(fc.constantFrom('\\x', '\\x00', '\\x5c')),
});

async function fingerprintOf(rows: readonly Row[]): Promise<string | undefined> {
	await client.query('DELETE FROM public.t');
	const places = rows.map(
		(_, index) => `($${index * 4 + 1}, $${index * 4 + 2}::numeric, $${index * 4 + 3}::text[], $${index * 4 + 4}::bytea)`,
	);
	if (rows.length > 0)
		await client.query(
			`INSERT INTO public.t VALUES ${places.join(', ')}`,
			rows.flatMap(({ a, b, c, d }) => [a, b, c, d]),
		);
	const content = await readTableContent(client, relation, 'as-is', true);
	expect(content.rows).toBe(rows.length);
	return content.fingerprint;
}

describe('the fingerprint of a table', () => {
	it('is the same whatever the order of the rows', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc
					.array(row, { maxLength: 8 })
					.chain((rows) =>
						fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length })),
					),
				async ([rows, shuffled]) => expect(await fingerprintOf(shuffled)).toBe(await fingerprintOf(rows)),
			),
			{ numRuns: 60 },
		);
	}, 60_000);

	it('differs when a row is missing, there twice, or has another value in any column', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), fc.nat(), row, async (rows, seed, other) => {
				const at = seed % rows.length;
				const chosen = rows[at] as Row;
				const original = await fingerprintOf(rows);
				const without = rows.filter((_, index) => index !== at);
				expect(await fingerprintOf(without)).not.toBe(original);
				expect(await fingerprintOf([...rows, chosen])).not.toBe(original);
				for (const column of ['a', 'b', 'c', 'd'] as const) {
					if (JSON.stringify(other[column]) === JSON.stringify(chosen[column])) continue;
					expect(await fingerprintOf([...without, { ...chosen, [column]: other[column] }])).not.toBe(original);
				}
			}),
			{ numRuns: 60 },
		);
	}, 60_000);

	it('tells rows that differ only in how often each occurs', async () => {
		const x = { a: 'x', b: null, c: null, d: null };
		const y = { a: 'y', b: null, c: null, d: null };
		expect(await fingerprintOf([x, x, y])).not.toBe(await fingerprintOf([x, y, y]));
	});

	it('does not depend on settings of the server, the role or the database', async () => {
		const tables = `CREATE TABLE public.v (ts timestamptz, iv interval, f float8, r float4, by bytea, m money, d date, x xml, rc regclass);
			INSERT INTO public.v VALUES ('2026-03-29 01:30+00', '1 year -2 days 3.5 sec', 0.1::float8 + 0.2, 1.1, '\\x00ff', 12.5, '2026-02-01', '<a/>', 'public.v')`;
		const odd = `ALTER DATABASE two SET timezone TO 'Asia/Tokyo'; ALTER DATABASE two SET datestyle TO 'German'; ALTER DATABASE two SET intervalstyle TO 'iso_8601';
			ALTER DATABASE two SET extra_float_digits TO -5; ALTER DATABASE two SET bytea_output TO 'escape'; ALTER DATABASE two SET search_path TO public; ALTER DATABASE two SET quote_all_identifiers TO on`;
		const proofs: unknown[] = [];
		for (const database of ['one', 'two']) {
			await server.createDatabase(database);
			if (database === 'two') for (const statement of odd.split(';')) await server.query(statement);
			await server.query(`SET bytea_output = 'hex'; SET timezone = 'UTC'; SET datestyle = 'ISO'; ${tables}`, database);
			const own = await connectClient(server.connection, { database, signal: never, applicationName: 'fingerprint' });
			proofs.push((await takeProof(own, { fingerprint: true, signal: never, progress: () => undefined })).tables);
			await own.end();
		}
		expect(proofs[1]).toEqual(proofs[0]);
	});

	it('is the same in a database with another encoding', async () => {
		await server.createDatabase('utf8');
		await server.query(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
		const proofs: unknown[] = [];
		for (const database of ['utf8', 'latin']) {
			await server.query(
				`CREATE TABLE public.umlauts (a text, "é" text); INSERT INTO public.umlauts VALUES ('Grüße', 'é'), ('ÿ', '')`,
				database,
			);
			const own = await connectClient(server.connection, { database, signal: never, applicationName: 'fingerprint' });
			proofs.push((await takeProof(own, { fingerprint: true, signal: never, progress: () => undefined })).tables);
			await own.end();
		}
		expect(proofs[1]).toEqual(proofs[0]);
	});

	it('is taken of bytes that are no text, where the database takes any', async () => {
		await server.query(`CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`);
		const bytes = new pg.Client({ ...server.connection, ssl: false, database: 'bytes', application_name: 'test' });
		await bytes.connect();
		await bytes.query(`CREATE TABLE public.raw (a text)`);
		await bytes.query(`SET client_encoding = 'SQL_ASCII'`);
		await bytes.query(`INSERT INTO public.raw VALUES (E'\\377\\376')`);
		await bytes.end();
		const own = await connectClient(server.connection, { database: 'bytes', signal: never, applicationName: 'fingerprint' });
		const { tables } = await takeProof(own, { fingerprint: true, signal: never, progress: () => undefined });
		await own.end();
		expect(tables).toMatchObject([{ rows: 1, fingerprint: expect.stringMatching(/^1:\d+:\d+$/) }]);
	});

	it('of large objects differs when any byte of one differs, also behind the first chunk', async () => {
		await server.createDatabase('large');
		const own = await connectClient(server.connection, { database: 'large', signal: never, applicationName: 'fingerprint' });
		const digest = async () =>
			(await takeProof(own, { fingerprint: true, signal: never, progress: () => undefined })).largeObjects;
		await own.query(
			`SELECT lo_from_bytea(1, 'abc'), lo_from_bytea(2, '\\x'), lo_from_bytea(3, decode(repeat('00', 1048576), 'hex'))`,
		);
		const original = await digest();
		expect(original?.count).toBe(3);
		for (const change of [
			`lo_put(1, 2, 'd')`,
			`lo_put(2, 0, '\\x00')`,
			`lo_put(3, 1048575, '\\x01')`,
			`lo_put(3, 1048576, '\\x00')`,
			`lo_create(4)`,
			`lo_unlink(2)`,
		]) {
			await own.query('BEGIN');
			await own.query(`SELECT ${change}`);
			expect((await digest())?.fingerprint).not.toBe(original?.fingerprint);
			await own.query('ROLLBACK');
		}
		expect(await digest()).toEqual(original);
		await own.end();
	});
});

it('a policy that hides rows makes the proof fail rather than count fewer', async () => {
	await server.createDatabase('policed');
	await server.query(
		`CREATE TABLE public.p (id int); INSERT INTO public.p VALUES (1), (2); ALTER TABLE public.p ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON public.p USING (id = 1);
		CREATE ROLE peeper LOGIN PASSWORD 'x'; GRANT SELECT ON public.p TO peeper`,
		'policed',
	);
	const own = await connectClient(
		{ ...server.connection, user: 'peeper', password: 'x' },
		{ database: 'policed', signal: never, applicationName: 'fingerprint' },
	);
	await expect(takeProof(own, { fingerprint: false, signal: never, progress: () => undefined })).rejects.toMatchObject({
		code: '42501',
	});
	await own.end();
});
