import { once } from 'node:events';
import net from 'node:net';
import pg from 'pg';
import type { BackupError } from '../../../lib/core/errors';
import type { Manifest } from '../../../lib/catalog/manifest';
import { dropPrevious } from '../../../lib/postgres/restore/drop-previous';
import { exchangeDatabases } from '../../../lib/postgres/restore/exchange';
import { readMark } from '../../../lib/postgres/restore/marker';
import { undoSwap } from '../../../lib/postgres/restore/undo-swap';
import { few } from '../../support/breadth';
import { failure } from '../../support/failure';
import { type RestoreFixture, startFixture } from './restore-fixture';

const LIVE = `live "crm" 🐘`;
const live = { mode: 'swap', database: LIVE } as const;
const confirmed = { confirmation: LIVE };
jest.setTimeout(60_000);
let fixture: RestoreFixture;
let backup: Manifest;

beforeAll(async () => {
	fixture = await startFixture({ settings: { max_prepared_transactions: '5' } });
}, 60_000);
afterAll(() => fixture?.close());

/** Each test finds a live database with one row more than its backup. */
beforeEach(async () => {
	await fixture.begin();
	const { server } = fixture;
	await server.createDatabase(LIVE);
	await server.query(`COMMENT ON DATABASE ${pg.escapeIdentifier(LIVE)} IS 'the CRM'`);
	await server.query(`CREATE TABLE deals (id int PRIMARY KEY, name text); INSERT INTO deals SELECT g, 'deal ' || g FROM generate_series(1, 1000) g`, LIVE);
	backup ??= await fixture.dump(LIVE, { fingerprint: false });
	await server.query(`INSERT INTO deals VALUES (9999, 'written after the backup')`, LIVE);
});

afterEach(async () => {
	await fixture.end();
	for (const name of await fixture.databases()) await fixture.server.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
});

const rowsIn = async (database: string) => Number((await fixture.server.query<{ count: string }>('SELECT count(*) FROM deals', database))[0]?.count);
const commentOf = async (database: string) => (await fixture.server.query<{ comment: string | null }>(`SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`, 'postgres', [database]))[0]?.comment ?? null;

describe('a swap', () => {
	it('puts the restored database in place of the live one and keeps that, closed and marked', async () => {
		const result = await fixture.restore(backup, live, confirmed);
		const kept = result.previousDatabase ?? '';
		expect(kept).toMatch(/^live "crm" 🐘_before_\d{8}t\d{6}z$/);
		expect(result).toMatchObject({ database: LIVE, outageMilliseconds: expect.any(Number), warnings: [] });
		expect(await fixture.databases()).toEqual([LIVE, kept].sort());
		expect(await rowsIn(LIVE)).toBe(1000);
		expect(await commentOf(LIVE)).toBe('the CRM');
		expect(readMark(await commentOf(kept))).toMatchObject({ role: 'previous', database: LIVE, backup: backup.id, comment: 'the CRM' });
		await expect(rowsIn(kept)).rejects.toMatchObject({ code: '55000' });
		await fixture.server.query(`ALTER DATABASE ${pg.escapeIdentifier(kept)} ALLOW_CONNECTIONS true`);
		expect(await rowsIn(kept)).toBe(1001);
	});

	it('needs the name of the database as confirmation, and no confirmation where nothing is live', async () => {
		expect((await failure(fixture.restore(backup, live, { confirmation: 'yes' }))).toJSON()).toMatchObject({ code: 'NOT_CONFIRMED', hint: expect.stringContaining(JSON.stringify(LIVE)) });
		expect(await fixture.databases()).toEqual([LIVE]);
		await fixture.server.query(`DROP DATABASE ${pg.escapeIdentifier(LIVE)}`);
		expect(await fixture.restore(backup, live)).toMatchObject({ previousDatabase: null, outageMilliseconds: null });
		expect(await rowsIn(LIVE)).toBe(1000);
	});

	it.each(['workflow_entity', 'n8n_credentials_entity', 'xexecution_entity'])("refuses a database with n8n's table %s, unless the command line allows it", async (table) => {
		await fixture.server.query(`CREATE SCHEMA n8n; CREATE TABLE n8n.${table} (id int)`, LIVE);
		const error = await failure(fixture.restore(backup, live, confirmed));
		expect(error.toJSON()).toMatchObject({ code: 'N8N_DATABASE', message: expect.stringContaining(`n8n.${table}`), hint: expect.stringContaining('backup-recovery restore') });
		expect(await fixture.databases()).toEqual([LIVE]);
		expect((await fixture.restore(backup, live, { ...confirmed, allowN8nDatabase: true })).previousDatabase).not.toBeNull();
	});

	it('refuses while a prepared transaction is open', async () => {
		await fixture.server.query(`BEGIN; DELETE FROM deals; PREPARE TRANSACTION 'pending; one'`, LIVE);
		try {
			expect((await failure(fixture.restore(backup, live, confirmed))).toJSON()).toMatchObject({ code: 'DATABASE_IN_USE', message: expect.stringContaining('pending; one') });
		} finally {
			await fixture.server.query(`ROLLBACK PREPARED 'pending; one'`, LIVE);
		}
		expect(await rowsIn(LIVE)).toBe(1001);
	});

	it('works for a role that is no superuser but owns the database and may create others', async () => {
		const { server } = fixture;
		await server.query(`CREATE ROLE dev LOGIN CREATEDB PASSWORD 'dev'`);
		await server.query(`ALTER DATABASE ${pg.escapeIdentifier(LIVE)} OWNER TO dev; ALTER TABLE deals OWNER TO dev; GRANT CREATE ON SCHEMA public TO dev; CREATE EXTENSION citext; ALTER DATABASE ${pg.escapeIdentifier(LIVE)} SET work_mem = '5MB'`, LIVE);
		const manifest = await fixture.dump(LIVE);
		const connection = { ...server.connection, user: 'dev', password: 'dev' };
		const result = await fixture.restore(manifest, live, { ...confirmed, connection });
		expect(result.checks).toContainEqual(expect.objectContaining({ check: 'Rights', state: 'warning' }));
		await undoSwap({ connection, database: LIVE, previous: '', dryRun: false, confirmation: LIVE, allowN8nDatabase: false }, fixture.context);
		for (const name of await fixture.databases()) await server.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
		await server.query('DROP ROLE dev');
	});

	it('lets only one run work on a name at a time', async () => {
		const outcomes = await Promise.allSettled([fixture.restore(backup, live, confirmed), fixture.restore(backup, live, confirmed)]);
		expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as BackupError).code)).sort()).toEqual(['LOCK_HELD', 'done']);
		expect(await fixture.databases()).toHaveLength(2);
	});

	it('lets clients that hammer the live database through to the new one, after a short outage', async () => {
		const { host, port, user, password } = fixture.server;
		let going = true;
		const seen: Array<{ at: number; rows?: number; error?: string }> = [];
		const hammer = async () => {
			while (going) {
				const client = new pg.Client({ host, port, user, password, database: LIVE, application_name: 'test' });
				client.on('error', () => undefined);
				try {
					await client.connect();
					for (let i = 0; going && i < 20; i += 1) {
						const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM deals');
						seen.push({ at: performance.now(), rows: Number(rows[0]?.count) });
					}
				} catch (error) {
					seen.push({ at: performance.now(), error: (error as { code?: string }).code ?? (error as Error).message });
				} finally {
					await client.end().catch(() => undefined);
				}
			}
		};
		const clients = Promise.all(Array.from({ length: 6 }, hammer));
		const result = await fixture.restore(backup, live, confirmed);
		await new Promise((resolve) => setTimeout(resolve, 300));
		going = false;
		await clients;
		const order = seen.sort((a, b) => a.at - b.at);
		const firstNew = order.findIndex((entry) => entry.rows === 1000);
		expect(firstNew).toBeGreaterThan(0);
		expect(order.slice(0, firstNew).some((entry) => entry.rows === 1001)).toBe(true);
		expect(order.slice(firstNew).every((entry) => entry.rows !== 1001)).toBe(true);
		expect(order.at(-1)?.rows).toBe(1000);
		expect(result.outageMilliseconds).toBeGreaterThan(0);
		expect(result.outageMilliseconds).toBeLessThan(3000);
		// What it reports is what the clients saw, but for the time that one query takes.
		const lastOld = order.findLast((entry) => entry.rows === 1001);
		const seenOutage = (order[firstNew]?.at ?? Infinity) - (lastOld?.at ?? 0);
		expect(seenOutage).toBeLessThan((result.outageMilliseconds ?? 0) + 1000);
	}, 30_000);
});

describe('an exchange that is interrupted', () => {
	const exchange = { live: LIVE, incoming: 'proven', keepAs: 'kept', alongside: [`COMMENT ON DATABASE proven IS NULL`, `ALTER DATABASE ${pg.escapeIdentifier(LIVE)} ALLOW_CONNECTIONS false`] };
	const options = () => ({ connection: fixture.server.connection, maintenanceDatabase: 'postgres', signal: fixture.context.signal });
	const killExchange = () => fixture.server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backup-recovery restore'`);

	beforeEach(async () => {
		await fixture.server.createDatabase('proven');
		await fixture.server.query('CREATE TABLE deals (id int)', 'proven');
	});

	it.each(few([0, 1, 2, 3, 4, 5, 6], 2))('at statement %i leaves the live database as it was', async (nth) => {
		let count = 0;
		const statements: string[] = [];
		const work = exchangeDatabases(exchange, {
			...options(),
			onStatement: async (statement) => {
				statements.push(statement);
				if (count++ === nth) await killExchange();
			},
		});
		const error = await failure(work);
		expect(error.code).toBe('SERVER_UNREACHABLE');
		expect(statements).toHaveLength(nth + 1);
		expect(await fixture.databases()).toEqual([LIVE, 'proven'].sort());
		expect(await rowsIn(LIVE)).toBe(1001);
	});

	it('by a connection that breaks after COMMIT was sent counts as done, because it was', async () => {
		const proxy = await startForwarder(fixture.server.port, 'COMMIT');
		try {
			expect(await exchangeDatabases(exchange, { ...options(), connection: { ...fixture.server.connection, port: proxy.port } })).toBeGreaterThanOrEqual(0);
			expect(proxy.cut()).toBe(true);
		} finally {
			await proxy.stop();
		}
		expect(await fixture.databases()).toEqual(['kept', LIVE].sort());
		expect(await rowsIn(LIVE)).toBe(0);
	});

	it('by a cancel half way is finished', async () => {
		const work = exchangeDatabases(exchange, { ...options(), onStatement: (statement) => void (statement === 'COMMIT' && fixture.context.abort()) });
		expect(await work).toBeGreaterThan(0);
		expect(await rowsIn(LIVE)).toBe(0);
		expect(await fixture.databases()).toEqual(['kept', LIVE].sort());
	});

	it('before it begins does nothing', async () => {
		fixture.context.abort();
		expect((await failure(exchangeDatabases(exchange, options()))).code).toBe('CANCELLED');
		expect(await rowsIn(LIVE)).toBe(1001);
	});
});

describe('undoing a swap', () => {
	const undo = (overrides: Partial<Parameters<typeof undoSwap>[0]> = {}) =>
		undoSwap({ connection: fixture.server.connection, database: LIVE, previous: '', dryRun: false, confirmation: LIVE, allowN8nDatabase: false, ...overrides }, fixture.context);

	it('brings the old database back, open and unmarked, and keeps the restored one', async () => {
		const { previousDatabase } = await fixture.restore(backup, live, confirmed);
		expect(await undo({ dryRun: true })).toMatchObject({ dryRun: true, plan: [expect.stringContaining('_undone_'), expect.any(String)] });
		expect((await failure(undo({ confirmation: '' }))).code).toBe('NOT_CONFIRMED');
		expect(await rowsIn(LIVE)).toBe(1000);
		const result = await undo({ previous: previousDatabase ?? '' });
		expect(result.previousDatabase).toMatch(/_undone_\d{8}t\d{6}z$/);
		expect(await rowsIn(LIVE)).toBe(1001);
		expect(await commentOf(LIVE)).toBe('the CRM');
		expect(readMark(await commentOf(result.previousDatabase ?? ''))).toMatchObject({ role: 'undone', database: LIVE });
		expect((await failure(undo())).code).toBe('DATABASE_NOT_FOUND');
	});

	it('takes the newest of several, and works when nothing has the live name', async () => {
		await fixture.restore(backup, live, confirmed);
		await fixture.server.query(`INSERT INTO deals VALUES (7777, 'between')`, LIVE);
		await fixture.server.query(`INSERT INTO deals VALUES (7778, 'between')`, LIVE);
		await new Promise((resolve) => setTimeout(resolve, 1100));
		await fixture.restore(backup, live, confirmed);
		await fixture.server.query(`DROP DATABASE ${pg.escapeIdentifier(LIVE)}`);
		expect(await undo()).toMatchObject({ previousDatabase: null });
		expect(await rowsIn(LIVE)).toBe(1002);
	});

	it('refuses a database that no swap has set aside', async () => {
		await fixture.server.createDatabase('live_before_20261122t020000z');
		expect((await failure(undo({ previous: 'live_before_20261122t020000z' }))).code).toBe('DATABASE_NOT_FOUND');
	});
});

describe('dropping what a swap has set aside', () => {
	const drop = (previous: string, confirmation = previous, dryRun = false) => dropPrevious({ connection: fixture.server.connection, previous, confirmation, dryRun }, fixture.context);

	it('needs its full name, typed, and drops nothing else', async () => {
		const previous = (await fixture.restore(backup, live, confirmed)).previousDatabase ?? '';
		expect(await drop(previous, '', true)).toMatchObject({ dryRun: true, dropped: null });
		expect((await failure(drop(previous, LIVE))).code).toBe('NOT_CONFIRMED');
		expect((await failure(drop(LIVE))).code).toBe('INVALID_INPUT');
		expect((await failure(drop('not there'))).code).toBe('DATABASE_NOT_FOUND');
		await fixture.server.createDatabase('other_before_20261122t020000z');
		expect((await failure(drop('other_before_20261122t020000z'))).code).toBe('INVALID_INPUT');
		expect(await drop(previous)).toEqual({ dryRun: false, plan: [], database: LIVE, previousDatabase: null, dropped: previous });
		expect(await fixture.databases()).toEqual([LIVE, 'other_before_20261122t020000z'].sort());
	});

	it('refuses one with our mark under another name, one that is in use, and the only copy', async () => {
		const previous = (await fixture.restore(backup, live, confirmed)).previousDatabase ?? '';
		const quoted = pg.escapeIdentifier(previous);
		await fixture.server.query(`ALTER DATABASE ${quoted} RENAME TO renamed`);
		expect((await failure(drop('renamed'))).code).toBe('INVALID_INPUT');
		await fixture.server.query(`ALTER DATABASE renamed RENAME TO ${quoted}`);
		await fixture.server.query(`ALTER DATABASE ${quoted} ALLOW_CONNECTIONS true`);
		const { host, port, user, password } = fixture.server;
		const reader = new pg.Client({ host, port, user, password, database: previous, application_name: 'test' });
		await reader.connect();
		expect((await failure(drop(previous))).code).toBe('DATABASE_IN_USE');
		await reader.end();
		await fixture.server.query(`ALTER DATABASE ${pg.escapeIdentifier(LIVE)} RENAME TO gone`);
		expect((await failure(drop(previous))).toJSON()).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('only copy') });
		expect(await fixture.databases()).toContain(previous);
	}, 20_000);
});

/** Forwards to a port of this machine; swallows the answer to `word` and cuts that connection. */
async function startForwarder(to: number, word: string) {
	let cut = false;
	const sockets = new Set<net.Socket>();
	const server = net.createServer((client) => {
		const target = net.connect(to, '127.0.0.1');
		let armed = false;
		for (const socket of [client, target]) {
			sockets.add(socket);
			socket.on('error', () => socket.destroy());
		}
		client.on('data', (data) => {
			armed ||= data.includes(word);
			target.write(data);
		});
		target.on('data', (data) => {
			if (!armed) return void client.write(data);
			cut = true;
			client.destroy();
			target.destroy();
		});
		client.on('close', () => target.destroy());
		target.on('close', () => client.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as net.AddressInfo).port,
		cut: () => cut,
		stop: async () => {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}
