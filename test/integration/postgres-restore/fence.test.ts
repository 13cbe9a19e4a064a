import pg from 'pg';
import type { Manifest } from '../../../lib/catalog/manifest';
import { fenceDatabase, type FenceOptions } from '../../../lib/postgres/restore/fence';
import { undoSwap } from '../../../lib/postgres/restore/undo-swap';
import { failure } from '../../support/failure';
import { type RestoreFixture, startFixture } from './restore-fixture';

const LIVE = `live "crm"`;
const live = { mode: 'swap', database: LIVE } as const;
const confirmed = { confirmation: LIVE };
jest.setTimeout(60_000);
let fixture: RestoreFixture;
let backup: Manifest;

beforeAll(async () => {
	fixture = await startFixture();
}, 60_000);
afterAll(() => fixture?.close());

beforeEach(async () => {
	await fixture.begin();
	await fixture.server.createDatabase(LIVE);
	await fixture.server.query(`COMMENT ON DATABASE ${pg.escapeIdentifier(LIVE)} IS 'the CRM'; `);
	await fixture.server.query('CREATE TABLE deals (id int PRIMARY KEY); INSERT INTO deals SELECT generate_series(1, 100)', LIVE);
	backup = await fixture.dump(LIVE, { fingerprint: false });
	await fixture.server.query('DELETE FROM deals', LIVE);
});

afterEach(async () => {
	await fixture.end();
	for (const name of await fixture.databases()) await fixture.server.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
});

const fence = async (action: FenceOptions['action'], changes: Partial<FenceOptions> = {}) =>
	await fenceDatabase({ connection: fixture.server.connection, database: LIVE, action, dryRun: false, confirmation: LIVE, allowN8nDatabase: false, ...changes }, fixture.context);
const rows = async () => Number((await fixture.server.query<{ count: string }>('SELECT count(*) FROM deals', LIVE))[0]?.count);
const commentOf = async (database: string) => (await fixture.server.query<{ comment: string | null }>(`SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`, 'postgres', [database]))[0]?.comment;

test('ends the sessions, lets nobody in, says so in the comment, and gives everything back', async () => {
	const client = new pg.Client({ ...fixture.server.connection, database: LIVE });
	const ended = new Promise((resolve) => client.on('error', resolve));
	await client.connect();
	expect(await fence('fence', { dryRun: true })).toMatchObject({ changed: false, plan: [expect.stringContaining('end their sessions')], live: { state: 'open' } });
	expect(await failure(fence('fence', { confirmation: 'yes' }))).toMatchObject({ code: 'NOT_CONFIRMED' });
	expect(await rows()).toBe(0);
	expect(await fence('fence')).toMatchObject({ changed: true, live: { state: 'fenced', restored: null } });
	await ended;
	await expect(rows()).rejects.toMatchObject({ code: '55000' });
	expect(await commentOf(LIVE)).toContain('closed to all clients');
	expect(await fence('fence')).toMatchObject({ changed: false, live: { state: 'fenced' } });
	expect(await fence('lift')).toMatchObject({ changed: true, live: { state: 'open' } });
	expect(await rows()).toBe(0);
	expect(await commentOf(LIVE)).toBe('the CRM');
	expect(await fence('lift')).toMatchObject({ changed: false });
});

test("refuses n8n's own database, and does nothing where there is none", async () => {
	await fixture.server.query('CREATE TABLE workflow_entity (id int)', LIVE);
	expect(await failure(fence('fence'))).toMatchObject({ code: 'N8N_DATABASE' });
	expect(await fence('fence', { database: 'none', confirmation: 'none' })).toMatchObject({ changed: false, live: { state: 'missing', explanation: 'There is no database "none".' } });
});

test('a swap hands the fence on, the server says which database is live, and a run that goes on does nothing twice', async () => {
	const since = new Date().toISOString();
	await fence('fence');
	const swapped = await fixture.restore(backup, live, { ...confirmed, unlessSwappedSince: since });
	expect(swapped).toMatchObject({ alreadyInPlace: false, live: { state: 'fenced', restored: { backup: backup.id, previousDatabase: swapped.previousDatabase } } });
	await expect(rows()).rejects.toMatchObject({ code: '55000' });
	const databases = await fixture.databases();
	const again = await fixture.restore(backup, live, { ...confirmed, unlessSwappedSince: since });
	expect(again).toMatchObject({ alreadyInPlace: true, previousDatabase: swapped.previousDatabase, live: { explanation: expect.stringContaining(`restored from backup ${backup.id}, proven, and swapped in`) } });
	expect(await fixture.databases()).toEqual(databases);
	expect(await fence('lift')).toMatchObject({ live: { state: 'open', restored: { backup: backup.id } } });
	expect(await rows()).toBe(100);
	expect(await commentOf(LIVE)).toBe('the CRM');
	expect(await fixture.restore(backup, live, { ...confirmed, unlessSwappedSince: since })).toMatchObject({ alreadyInPlace: true });
	// A recovery that begins later than that swap is another one.
	expect(await fixture.restore(backup, live, { ...confirmed, unlessSwappedSince: new Date().toISOString() })).toMatchObject({ alreadyInPlace: false });
});

test('a database that was dropped comes back behind a fence', async () => {
	const since = new Date().toISOString();
	await fixture.server.query(`DROP DATABASE ${pg.escapeIdentifier(LIVE)}`);
	const swapped = await fixture.restore(backup, live, { keepClosed: true, unlessSwappedSince: since });
	expect(swapped).toMatchObject({ previousDatabase: null, live: { state: 'fenced', restored: { backup: backup.id, previousDatabase: null } } });
	expect(await fixture.restore(backup, live, { ...confirmed, keepClosed: true, unlessSwappedSince: since })).toMatchObject({ alreadyInPlace: true });
	expect(await fixture.databases()).toEqual([LIVE]);
	await fence('lift');
	expect(await rows()).toBe(100);
});

test('undoing a swap behind a fence brings the old one back, open and with its own comment', async () => {
	await fence('fence');
	await fixture.restore(backup, live, confirmed);
	await undoSwap({ connection: fixture.server.connection, database: LIVE, previous: '', dryRun: false, confirmation: LIVE, allowN8nDatabase: false }, fixture.context);
	expect(await rows()).toBe(0);
	expect(await commentOf(LIVE)).toBe('the CRM');
	expect(await fence('show')).toMatchObject({ changed: false, live: { state: 'open', restored: null } });
});
