import { listDatabases } from '../../../lib/jobs/handlers/postgres-list-databases';
import { listSchemas } from '../../../lib/jobs/handlers/postgres-list-schemas';
import { listTables } from '../../../lib/jobs/handlers/postgres-list-tables';
import { preflight } from '../../../lib/jobs/handlers/postgres-preflight';
import { testConnection } from '../../../lib/jobs/handlers/postgres-test-connection';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

let server: PostgresServer;
let context: TestContext;

beforeAll(async () => {
	[server, context] = await Promise.all([startPostgres(), testContext()]);
	await createHostileDatabase(server);
	await server.query(
		`CREATE ROLE nobody LOGIN PASSWORD 'x'; GRANT CONNECT ON DATABASE "${HOSTILE.database.replaceAll('"', '""')}" TO nobody`,
	);
}, 60_000);

afterAll(async () => {
	await context?.remove();
	await server?.stop();
});

afterEach(async () => expect(await server.sessions()).toEqual([]));

const check = (connection = server.connection, database: string = HOSTILE.database) =>
	preflight({ kind: 'postgres.preflight', connection, database }, context);

describe('preflight', () => {
	it('passes where a dump would', async () => {
		const { ready, checks } = await check();
		expect(ready).toBe(true);
		expect(checks.map(({ check: name, state }) => [name, state])).toEqual([
			['Connection', 'passed'],
			['Server version', 'passed'],
			['pg_dump', 'passed'],
			['Rights', 'passed'],
			['Temporary space', 'passed'],
		]);
	});

	it('goes on after what fails, and names the first twenty missing rights and how many more', async () => {
		const { ready, checks } = await check({ ...server.connection, user: 'nobody', password: 'x', clientFolder: '/nowhere' });
		expect(ready).toBe(false);
		expect(checks.map(({ check: name, state }) => [name, state])).toEqual([
			['Connection', 'passed'],
			['Server version', 'passed'],
			['pg_dump', 'failed'],
			['Rights', 'failed'],
			['Temporary space', 'passed'],
		]);
		const rights = checks.find(({ check: name }) => name === 'Rights');
		expect(rights?.detail.match(/ on (table|schema|sequence|large object) /g)).toHaveLength(20);
		expect(rights?.detail).toMatch(/, and \d+ more\.$/);
		expect(rights?.hint).toContain('pg_read_all_data');
	});

	it('says why it cannot connect', async () => {
		const { ready, checks } = await check({ ...server.connection, password: 'no' });
		expect(ready).toBe(false);
		expect(checks).toEqual([
			{
				check: 'Connection',
				state: 'failed',
				detail: expect.stringContaining('28P01'),
				hint: expect.stringContaining('password'),
			},
		]);
	});
});

describe('look-ups', () => {
	it('the version and the user', async () => {
		expect(await testConnection({ kind: 'postgres.testConnection', connection: server.connection }, context)).toEqual({
			serverVersion: expect.stringMatching(/^\d+\.\d+/),
			user: 'postgres',
		});
	});

	it('databases, without templates', async () => {
		const { databases } = await listDatabases({ kind: 'postgres.listDatabases', connection: server.connection }, context);
		expect(databases).toEqual([HOSTILE.database, 'postgres']);
	});

	it('schemas, without the system', async () => {
		const { schemas } = await listSchemas(
			{ kind: 'postgres.listSchemas', connection: server.connection, database: HOSTILE.database },
			context,
		);
		expect(schemas).toEqual(['public', HOSTILE.schema, HOSTILE.lookalikeSchema].sort());
	});

	it('tables, without partitions, which come with their table', async () => {
		const { tables } = await listTables(
			{ kind: 'postgres.listTables', connection: server.connection, database: HOSTILE.database },
			context,
		);
		expect(tables).toContainEqual({ schema: HOSTILE.schema, name: HOSTILE.table });
		expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['orders', 'parent', 'child']));
		expect(tables.map(({ name }) => name)).not.toContain('orders_rest');
	});
});
