import { compareDatabases } from '../../../lib/postgres/compare-databases';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const BEFORE = `
	CREATE SCHEMA sales;
	CREATE TABLE customers (id int PRIMARY KEY, name text);
	CREATE TABLE "Odd ""name" (x int);
	CREATE TABLE sales.orders (id int PRIMARY KEY, amount numeric);
	CREATE TABLE same (id int);
	INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 100) n;
	INSERT INTO "Odd ""name" VALUES (1), (2);
	INSERT INTO sales.orders SELECT n, n * 1.5 FROM generate_series(1, 50) n;
	INSERT INTO same SELECT generate_series(1, 7);`;

let server: PostgresServer;
let context: TestContext;

beforeAll(async () => {
	server = await startPostgres();
});
afterAll(async () => await server?.stop());
beforeEach(async () => {
	context = await testContext();
	for (const database of ['live', 'recovered']) {
		await server.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
		await server.createDatabase(database);
		await server.query(BEFORE, database);
	}
});
afterEach(async () => await context.remove());

const compare = (fingerprint: boolean, live = 'live', recovered = 'recovered') =>
	compareDatabases(
		{ live: { connection: server.connection, database: live }, recovered: { connection: server.connection, database: recovered }, fingerprint },
		context,
	);

test('two databases that hold the same', async () => {
	expect(await compare(true)).toMatchObject({
		equal: true,
		contentsCompared: true,
		changedTables: [],
		otherDifferences: [],
		tables: [
			{ schema: 'public', name: 'Odd "name', rowsBefore: 2, rowsNow: 2, state: 'same' },
			{ schema: 'public', name: 'customers', rowsBefore: 100, rowsNow: 100, state: 'same' },
			{ schema: 'public', name: 'same', rowsBefore: 7, rowsNow: 7, state: 'same' },
			{ schema: 'sales', name: 'orders', rowsBefore: 50, rowsNow: 50, state: 'same' },
		],
		sentence: 'Of 4 tables, 4 have the same contents, 0 differ, 0 are only in the recovered database, 0 only in the live one.',
	});
});

test('a dropped table, an UPDATE without WHERE, lost rows, a new table, large objects', async () => {
	await server.query(
		`DROP TABLE sales.orders; UPDATE customers SET name = 'x'; DELETE FROM "Odd ""name" WHERE x = 1; CREATE TABLE late (id int); SELECT lo_create(4711)`,
		'live',
	);
	const result = await compare(true);
	expect(Object.fromEntries(result.tables.map(({ name, rowsBefore, rowsNow, state }) => [name, [rowsBefore, rowsNow, state]]))).toEqual({
		customers: [100, 100, 'changed'],
		'Odd "name': [2, 1, 'changed'],
		late: [null, 0, 'new'],
		orders: [50, null, 'missing'],
		same: [7, 7, 'same'],
	});
	expect(result).toMatchObject({ equal: false, changedTables: ['public.Odd "name', 'public.customers', 'public.late', 'sales.orders'] });
	expect(result.otherDifferences).toContain('1 large objects now, 0 before');
	expect(context.events.map(({ step }) => step)).toContain('Taking the fingerprint of every table');
});

test('counting alone does not see an UPDATE, and says so', async () => {
	await server.query(`UPDATE customers SET name = 'x'`, 'live');
	const result = await compare(false);
	expect(result).toMatchObject({ equal: true, contentsCompared: false, changedTables: [] });
	expect(result.sentence).toContain('4 have as many rows (contents were not compared)');
});

test('a live database that is gone altogether', async () => {
	await server.query('DROP DATABASE live');
	expect(await compare(true)).toMatchObject({
		equal: false,
		liveReadAt: null,
		changedTables: ['public.Odd "name', 'public.customers', 'public.same', 'sales.orders'],
		sentence: 'The live database does not exist; the recovered one has 4 tables.',
	});
});

test('a recovered database that is not there is an error', async () => {
	expect(await failure(compare(true, 'live', 'nowhere'))).toMatchObject({ code: 'DATABASE_NOT_FOUND' });
});

test('writes nothing: both are read in read-only transactions', async () => {
	const transactions = async () =>
		(await server.query<{ id: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS id'))[0]?.id;
	const before = await transactions();
	await compare(true);
	expect(await transactions()).toBe(before);
});

test('cancelled while the live database makes it wait: ends at once and leaves no session', async () => {
	const client = server.query(`BEGIN; LOCK TABLE customers; SELECT pg_sleep(3); ROLLBACK`, 'live');
	await new Promise((resolve) => setTimeout(resolve, 300));
	const running = failure(compare(true));
	await new Promise((resolve) => setTimeout(resolve, 300));
	const cancelledAt = performance.now();
	context.abort();
	expect(await running).toMatchObject({ code: 'CANCELLED' });
	expect(performance.now() - cancelledAt).toBeLessThan(2_000);
	await client;
	expect(await server.sessions()).toEqual([]);
});
