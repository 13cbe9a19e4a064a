import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch } from '../../../lib/postgres/row-diff/apply-patch';
import { diffRows } from '../../../lib/postgres/row-diff/diff-rows';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const SCHEMA = `
CREATE SCHEMA "we""ird";
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL, email text UNIQUE, score numeric(10,2), tags text[], extra jsonb, photo bytea, born date, seen timestamptz, place point, shout text GENERATED ALWAYS AS (upper(name)) STORED, updated_at timestamptz DEFAULT '2026-01-01T00:00Z');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers ON DELETE CASCADE, total float8, note char(8));
CREATE TABLE "we""ird"."Ta'ble" ("K 1" text, "k\\2" int, boss text, boss2 int, "va'l" text, PRIMARY KEY ("K 1", "k\\2"), FOREIGN KEY (boss, boss2) REFERENCES "we""ird"."Ta'ble");
CREATE TABLE measures (at timestamp, id int, value real, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE measures_a PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE measures_b PARTITION OF measures FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE TABLE keyless (a int);
CREATE TABLE gone (id int PRIMARY KEY);
INSERT INTO customers (name, email, score, tags, extra, photo, born, seen, place) SELECT E'O''Neil\\n"' || n || E'\\\\ äß\\r😀', 'c' || n, n / 3.0, ARRAY['a,b', NULL, 'q"' || n], '{"k": "v''\\\\n"}', decode(md5(n::text), 'hex'), '2000-02-29', '2026-11-22T10:00:00.123456+02', point(n, 0.1) FROM generate_series(1, 1200) n;
INSERT INTO orders SELECT n, n, 0.1 * n, 'x' FROM generate_series(1, 1200) n;
INSERT INTO "we""ird"."Ta'ble" VALUES ('Zo', 1, NULL, NULL, 'root'), ('ä', 1, 'Zo', 1, NULL), ('a', 2, 'ä', 1, ''), ('B', 3, 'a', 2, E'line\\nbreak; DROP TABLE x; --');
INSERT INTO measures SELECT '2026-06-28'::timestamp + n * interval '1 hour', n, n / 7.0 FROM generate_series(1, 200) n;
INSERT INTO keyless VALUES (1);
INSERT INTO gone VALUES (1);
`;
const INCIDENT = `
ALTER TABLE customers DISABLE TRIGGER touch;
UPDATE customers SET name = 'wrecked', email = NULL WHERE id % 3 = 0;
ALTER TABLE customers ENABLE TRIGGER touch;
DELETE FROM customers WHERE id BETWEEN 100 AND 110;
INSERT INTO customers (name, email) VALUES ('spam', 'spam1'), ('spam', 'spam2');
DELETE FROM "we""ird"."Ta'ble";
UPDATE measures SET value = 0, at = at + interval '7 days' WHERE id < 50;
UPDATE keyless SET a = 2;
DROP TABLE gone;
`;
const LATER = `
UPDATE customers SET score = 777 WHERE id = 3;
UPDATE customers SET email = 'later@x' WHERE id = 6;
DELETE FROM customers WHERE id = 9;
INSERT INTO customers (name, email) VALUES ('good', 'good');
INSERT INTO orders VALUES (5000, 5, 1, 'new');
`;

let server: PostgresServer;
let context: TestContext;
let root: string;

beforeAll(async () => {
	[server, context] = await Promise.all([startPostgres(), testContext()]);
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-diff-'));
	await server.createDatabase('before');
	await server.query(SCHEMA, 'before');
	await server.query('CREATE DATABASE wrecked TEMPLATE before');
	await server.query(INCIDENT, 'wrecked');
	await server.query('CREATE DATABASE crm TEMPLATE wrecked');
	await server.query(LATER, 'crm');
}, 60_000);
afterAll(async () => {
	await Promise.all([server?.stop(), context?.remove()]);
	await rm(root, { recursive: true, force: true });
});

const at = (database: string) => ({ connection: server.connection, database });
const asked = (file: string, tables: string[] = []) => ({ before: at('before'), after: at('wrecked'), live: at('crm'), tables, patchFile: join(root, file), previewStatements: 0 });
const apply = (file: string, more: object = {}) => ({ ...at('crm'), patchFile: join(root, file), sha256: '', confirmation: 'crm', dryRun: false, lockWaitSeconds: 5, ...more });
const customers = async (database: string, where: string) => await server.query(`SELECT * FROM customers WHERE ${where} ORDER BY id`, database);

test('the patch brings exactly the wrecked rows back and keeps what came later', async () => {
	const untouched = await customers('crm', 'id % 3 <> 0 AND id NOT BETWEEN 100 AND 110 AND id <= 1200');
	const result = await diffRows(asked('patch.sql'), context);
	expect(result.tables).toEqual([
		{ table: 'public.customers', inserts: 11, updates: 396, deletes: 2, kept: 2, mended: 0 },
		{ table: 'public.measures', inserts: 49, updates: 0, deletes: 49, kept: 0, mended: 0 },
		{ table: 'public.orders', inserts: 11, updates: 0, deletes: 0, kept: 0, mended: 0 },
		{ table: 'we"ird.Ta\'ble', inserts: 4, updates: 0, deletes: 0, kept: 0, mended: 0 },
	]);
	expect(result.keptRows).toEqual([
		{ table: 'public.customers', key: ['6'], why: 'changedSince', columns: ['email'] },
		{ table: 'public.customers', key: ['9'], why: 'deletedSince', columns: ['name', 'email'] },
	]);
	expect(result.notes.join('\n')).toMatch(/public\.gone was dropped.*\n.*public\.keyless has no primary key/);
	expect((await stat(join(root, 'patch.sql'))).mode & 0o777).toBe(0o600);

	expect(await failure(applyPatch(apply('patch.sql', { confirmation: 'CRM' }), context))).toMatchObject({ code: 'NOT_CONFIRMED' });
	expect(await failure(applyPatch(apply('patch.sql', { sha256: '0'.repeat(64) }), context))).toMatchObject({ code: 'PROOF_MISMATCH' });
	const dry = await applyPatch(apply('patch.sql', { dryRun: true, confirmation: '' }), context);
	expect(dry).toMatchObject({ rows: 522, sha256: result.patch!.sha256 });
	expect(await server.query("SELECT count(*)::int AS n FROM customers WHERE name = 'wrecked'", 'crm')).toEqual([{ n: 396 }]);
	expect(await applyPatch(apply('patch.sql', { sha256: result.patch!.sha256 }), context)).toMatchObject({ rows: 522, dryRun: false });

	const mended = '(id % 3 = 0 OR id BETWEEN 100 AND 110) AND id <= 1200 AND id NOT IN (3, 6, 9)';
	expect(await customers('crm', mended)).toEqual(await customers('before', mended));
	expect(await customers('crm', 'id % 3 <> 0 AND id NOT BETWEEN 100 AND 110 AND id <= 1200')).toEqual(untouched);
	expect(await server.query('SELECT id, name = (SELECT name FROM customers c WHERE c.id = 1) AS odd, email, score::text FROM customers WHERE id IN (3, 6, 9) OR id > 1200 ORDER BY id', 'crm')).toMatchObject([
		{ id: 3, email: 'c3', score: '777.00' },
		{ id: 6, email: 'later@x', score: '2.00' },
		{ email: 'good' },
	]);
	for (const table of ['orders', 'measures', '"we""ird"."Ta\'ble"']) {
		const rows = async (database: string) => await server.query(`SELECT * FROM ${table} ${table === 'orders' ? 'WHERE id NOT IN (9, 5000)' : ''} ORDER BY 1, 2`, database);
		expect(await rows('crm')).toEqual(await rows('before'));
	}
	const settings = "SELECT tgenabled, (SELECT bool_or(condeferrable) FROM pg_constraint) AS deferrable FROM pg_trigger WHERE tgname = 'touch'";
	expect(await server.query(settings, 'crm')).toEqual([{ tgenabled: 'O', deferrable: false }]);
	expect(await diffRows(asked('again.sql'), context)).toMatchObject({ patch: null });
}, 60_000);

test('a row that changed since the patch was written, or another statement in the file, takes all back', async () => {
	await server.query('CREATE DATABASE other TEMPLATE wrecked');
	const options = { ...asked('late.sql', ['public.customers']), live: at('other') };
	await diffRows(options, context);
	await server.query("UPDATE customers SET name = 'meanwhile' WHERE id = 12", 'other');
	expect(await failure(applyPatch(apply('late.sql', { database: 'other', confirmation: 'other' }), context))).toMatchObject({ code: 'PROOF_MISMATCH' });
	expect(await server.query("SELECT count(*)::int AS n FROM customers WHERE name = 'wrecked'", 'other')).toEqual([{ n: 396 }]);
	const text = await readFile(options.patchFile, 'utf8');
	await writeFile(join(root, 'evil.sql'), text.replace('BEGIN ISOLATION LEVEL REPEATABLE READ;', 'DROP TABLE orders;'));
	expect(await failure(applyPatch(apply('evil.sql', { database: 'other', confirmation: 'other' }), context))).toMatchObject({ code: 'INVALID_INPUT' });
	expect(await failure(diffRows(options, context))).toMatchObject({ code: 'TARGET_NOT_WRITABLE' });
	expect(await failure(diffRows(asked('x.sql', ['public.nothing']), context))).toMatchObject({ code: 'TABLE_NOT_FOUND' });
}, 60_000);

test('children go before parents, cascades reach no good row, moved keys come back, and a sequence that was set back is named', async () => {
	await server.createDatabase('threads');
	await server.query(
		`CREATE TABLE comments (id int PRIMARY KEY, parent_id int REFERENCES comments ON DELETE CASCADE, body text);
		CREATE TABLE accounts (id int PRIMARY KEY, code text UNIQUE);
		CREATE TABLE bookings (id int PRIMARY KEY, account text REFERENCES accounts (code) ON UPDATE CASCADE);
		CREATE TABLE visits (id serial PRIMARY KEY, place text);
		INSERT INTO comments VALUES (1, NULL, 'first'), (2, 1, 'second');
		INSERT INTO accounts VALUES (1, 'a'), (2, 'b'), (3, 'c');
		INSERT INTO bookings VALUES (1, 'a'), (2, 'b'), (3, 'c');
		INSERT INTO visits (place) SELECT 'here' FROM generate_series(1, 50)`,
		'threads',
	);
	await server.query('CREATE DATABASE threads_after TEMPLATE threads');
	await server.query(
		`INSERT INTO comments VALUES (100, NULL, 'spam'), (101, 100, 'spam'), (102, NULL, 'spam');
		UPDATE accounts SET code = code || '!' WHERE id < 3;
		TRUNCATE visits RESTART IDENTITY`,
		'threads_after',
	);
	await server.query('CREATE DATABASE threads_live TEMPLATE threads_after');
	await server.query("INSERT INTO comments VALUES (200, 102, 'a good answer'); INSERT INTO bookings VALUES (4, 'b!')", 'threads_live');

	const options = { ...asked('threads.sql'), before: at('threads'), after: at('threads_after'), live: at('threads_live'), previewStatements: 3 };
	const result = await diffRows(options, context);
	expect(result.keptRows).toEqual([
		{ table: 'public.accounts', key: ['2'], why: 'referredTo', columns: ['code'] },
		{ table: 'public.bookings', key: ['2'], why: 'parentGone', columns: ['account'] },
		{ table: 'public.comments', key: ['102'], why: 'referredTo', columns: ['id', 'parent_id', 'body'] },
	]);
	expect(result.notes).toEqual([expect.stringMatching(/^The sequence public\.visits_id_seq stands at 0 and stood at 50 .*SELECT setval\('"public"\."visits_id_seq"', 50\);$/)]);
	expect(result.patch!.preview).toEqual([expect.stringMatching(/^DELETE FROM ONLY "public"\."comments" AS t WHERE "id" = '101'/), expect.stringMatching(/"id" = '100'/), expect.stringMatching(/^UPDATE /)]);
	const text = await readFile(options.patchFile, 'utf8');
	expect(text).toContain(`-- ${result.notes[0]}`);

	const patch = { ...apply('threads.sql'), ...at('threads_live'), confirmation: 'threads_live' };
	// Somebody answers between the review and the patch: all of it is taken back.
	await server.query("INSERT INTO comments VALUES (201, 101, 'another')", 'threads_live');
	expect(await failure(applyPatch(patch, context))).toMatchObject({ code: 'PROOF_MISMATCH', message: expect.stringContaining('0 rows instead of one') as string });
	await server.query('DELETE FROM comments WHERE id = 201', 'threads_live');
	// So it is when somebody else's change is committed while the patch waits for it.
	const meanwhile = server.query("BEGIN; UPDATE accounts SET code = 'later' WHERE id = 1; SELECT pg_sleep(2); COMMIT", 'threads_live');
	await until('the row is held', async () => (await server.query("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0);
	expect(await failure(applyPatch({ ...patch, lockWaitSeconds: 30 }, context))).toMatchObject({ code: 'PROOF_MISMATCH', message: expect.stringContaining('SQLSTATE 40001') as string });
	await meanwhile;
	await server.query("UPDATE accounts SET code = 'a!' WHERE id = 1", 'threads_live');
	expect(await server.query('SELECT count(*)::int AS n FROM comments', 'threads_live')).toEqual([{ n: 6 }]);
	await applyPatch(patch, context);
	expect(await server.query('SELECT id FROM comments ORDER BY id', 'threads_live')).toEqual([1, 2, 102, 200].map((id) => ({ id })));
	expect(await server.query('SELECT id, account FROM bookings ORDER BY id', 'threads_live')).toEqual([['a', 1], ['b!', 2], ['c', 3], ['b!', 4]].map(([account, id]) => ({ id, account })));
	expect(await server.query('SELECT count(*)::int AS n FROM visits', 'threads_live')).toEqual([{ n: 50 }]);
	expect(await server.query('SELECT bool_or(condeferrable) AS deferrable FROM pg_constraint', 'threads_live')).toEqual([{ deferrable: false }]);
}, 60_000);
