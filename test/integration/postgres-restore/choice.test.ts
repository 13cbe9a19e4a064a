import { restoreDrill } from '../../../lib/verify/restore-drill';
import type { Manifest } from '../../../lib/catalog/manifest';
import { failure } from '../../support/failure';
import { type RestoreFixture, startFixture } from './restore-fixture';

jest.setTimeout(60_000);
let fixture: RestoreFixture;
let whole: Manifest;
let part: Manifest;
let safety: Manifest;

beforeAll(async () => {
	fixture = await startFixture();
	await fixture.server.createDatabase('crm');
	await fixture.server.query('CREATE TABLE deals AS SELECT 1 AS id; CREATE TABLE contacts AS SELECT 2 AS id', 'crm');
	whole = await fixture.dump('crm');
	part = await fixture.dump('crm', { includeTables: [{ schema: 'public', name: 'deals' }] });
	await fixture.server.query('DELETE FROM contacts', 'crm');
	safety = await fixture.dump('crm', { safety: true });
	await fixture.server.query('INSERT INTO contacts VALUES (2)', 'crm');
}, 60_000);
afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(() => fixture.end());

test('"latest" means the latest whole database, also where a part, or the database before it was replaced, was backed up later', async () => {
	expect([part.kind, safety.kind]).toEqual(['partial', 'safety']);
	const result = await fixture.restore(whole, { mode: 'new', database: 'copy' }, { backup: { by: 'latest' } });
	expect(result.backup.id).toBe(whole.id);
	const options = { store: fixture.store, component: 'postgres' as const, connection: fixture.server.connection, parallelJobs: 1, globals: null };
	expect((await restoreDrill({ ...options, backup: { by: 'latest' } }, fixture.context)).backup.id).toBe(whole.id);
});

test('a part is restored beside, but never swapped in for the whole live database', async () => {
	const beside = await fixture.restore(part, { mode: 'new', database: 'part' });
	expect(beside.comparison.map((table) => table.name)).toEqual(['deals']);
	const error = await failure(fixture.restore(part, { mode: 'swap', database: 'crm' }, { confirmation: 'crm' }));
	expect(error.toJSON()).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('chosen schemas or tables only') });
	expect(await fixture.server.query('SELECT * FROM contacts', 'crm')).toEqual([{ id: 2 }]);
});

test('a safety backup is restored when it is named, and proven like any other', async () => {
	const beside = await fixture.restore(safety, { mode: 'new', database: 'wrecked' });
	expect(beside.comparison.map(({ name, actualRows }) => [name, actualRows])).toEqual(expect.arrayContaining([['contacts', 0], ['deals', 1]]));
	const options = { store: fixture.store, component: 'postgres' as const, connection: fixture.server.connection, parallelJobs: 1, globals: null };
	expect(await restoreDrill({ ...options, backup: { by: 'id', id: safety.id } }, fixture.context)).toMatchObject({ backup: { id: safety.id, kind: 'safety' } });
	const error = await failure(fixture.dump('crm', { safety: true, includeTables: [{ schema: 'public', name: 'deals' }] }));
	expect(error.toJSON()).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('safety backup of chosen') });
});
