import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { restoreDrill } from '../../../lib/verify/restore-drill';
import { few } from '../../support/breadth';
import { proofOf, type RestoreFixture, schemaOf, startFixture } from './restore-fixture';

jest.setTimeout(180_000);

let fixture: RestoreFixture;

beforeAll(async () => {
	fixture = await startFixture({ settings: { wal_level: 'logical', default_toast_compression: 'pglz' } });
	await fixture.server.query('CREATE ROLE variety_owner; CREATE ROLE variety_reader');
	await fixture.server.createDatabase('variety');
	await fixture.server.query('ALTER DATABASE variety SET bytea_output TO escape; ALTER DATABASE variety SET search_path TO app, public, "$user"; ALTER ROLE variety_reader IN DATABASE variety SET statement_timeout TO 5000');
	for (const part of readFileSync(join(__dirname, 'variety.sql'), 'utf8').split(/^-- \(a new transaction.*$/m)) await fixture.server.query(`SET search_path TO public; ${part}`, 'variety');
});
afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(async () => {
	await fixture.end();
	if (!(await fixture.databases()).includes('again')) return;
	await fixture.server.query('ALTER SUBSCRIPTION sub SET (slot_name = NONE)', 'again');
	await fixture.server.query('DROP SUBSCRIPTION sub', 'again');
	await fixture.server.query('DROP DATABASE again');
});

/** Every table as COPY writes it, its rows sorted, and all sequences: compared byte for byte. */
async function rowsOf(database: string): Promise<Record<string, string>> {
	const { host, port, user, password } = fixture.server;
	const client = new pg.Client({ host, port, user, password, database, application_name: 'test' });
	await client.connect();
	try {
		const { rows } = await client.query<{ name: string; query: string }>(`
			SELECT c.oid::regclass::text AS name, CASE c.relkind WHEN 'r' THEN 'SELECT * FROM ONLY ' WHEN 'S' THEN 'SELECT last_value, is_called FROM ' ELSE 'SELECT * FROM ' END || c.oid::regclass AS query
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'app' AND (c.relkind IN ('r', 'S') OR c.relkind = 'm' AND c.relispopulated) ORDER BY 1`);
		const contents: Record<string, string> = {};
		for (const { name, query } of rows) {
			let text = '';
			for await (const chunk of client.query(copyTo(`COPY (${query}) TO STDOUT`))) text += (chunk as Buffer).toString('utf8');
			contents[name] = text.split('\n').sort().join('\n');
		}
		return contents;
	} finally {
		await client.end();
	}
}

describe("PostgreSQL's own variety", () => {
	it.each(few([
		['custom', 1],
		['custom', 3],
		['directory', 2],
	] as const, 1))('comes back with an equal schema and equal contents (%s, %i jobs)', async (format, parallelJobs) => {
		const manifest = await fixture.dump('variety', { format, parallelJobs: format === 'directory' ? 2 : 1 });
		const result = await fixture.restore(manifest, { mode: 'new', database: 'again' }, { parallelJobs });
		expect(result.comparison.every((table) => table.equal && table.contentEqual === true)).toBe(true);
		expect(result.warnings).toEqual([]);
		const before = await rowsOf('variety');
		expect(Object.keys(before).length).toBeGreaterThan(25);
		expect(await rowsOf('again')).toEqual(before);
		expect(await proofOf(fixture.server, 'again')).toEqual(await proofOf(fixture.server, 'variety'));
		const schema = await schemaOf(fixture.server, 'variety', '--create');
		expect(schema.length).toBeGreaterThan(50_000);
		expect((await schemaOf(fixture.server, 'again', '--create')).replace(/\bagain\b/g, 'variety')).toBe(schema);
	});

	it('passes a restore drill, whose database is dropped although a subscription is in it', async () => {
		const manifest = await fixture.dump('variety');
		const result = await restoreDrill({ store: fixture.store, component: 'postgres', backup: { by: 'id', id: manifest.id }, connection: fixture.server.connection, parallelJobs: 2, globals: null }, fixture.context);
		expect(result.passed).toBe(true);
		expect(await fixture.databases()).toEqual(['variety']);
	});
});
