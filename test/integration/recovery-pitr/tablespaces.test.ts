import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RecoverOptions } from '../../../lib/postgres/recovery/options';
import { stopServerOf } from '../../../lib/postgres/recovery/own-server';
import { recover } from '../../../lib/postgres/recovery/recover';
import type { RecoveryTarget } from '../../../lib/postgres/recovery/target';
import { ARCHIVED_SERVER, archiveWal, SMALL_SEGMENTS, serverClock, stockBaseBackup } from '../../support/archived-server';
import { NEVER } from '../../support/backup-fixtures';
import { few } from '../../support/breadth';
import { failure } from '../../support/failure';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { serverUser } from '../../support/physical-restore';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

let server: PostgresServer;
let context: TestContext;
let root: string;
let moment: string;
let lsn: string;
const store = new MemoryStore();

async function tablespace(name: string): Promise<void> {
	const place = join(root, name);
	await mkdir(place);
	const owner = await serverUser();
	if (owner) await promisify(execFile)('chown', [`${owner.uid}:${owner.gid}`, place]);
	await server.query(`CREATE TABLESPACE ${name} LOCATION '${place}'`);
	await server.query(`CREATE TABLE in_${name} TABLESPACE ${name} AS SELECT 7 AS n`);
}

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-pitr-'));
	await chmod(root, 0o755);
	server = await startPostgres({ settings: ARCHIVED_SERVER, initdb: SMALL_SEGMENTS });
	await tablespace('earlier');
	await stockBaseBackup(server, store, context);
	await server.query('INSERT INTO in_earlier VALUES (8)');
	await new Promise((resolve) => setTimeout(resolve, 20));
	moment = await serverClock(server);
	lsn = (await server.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn'))[0]!.lsn;
	await server.query('CREATE TABLE marker (n int)');
	await tablespace('later');
	await archiveWal(server, store, context);
}, 60_000);
afterAll(async () => {
	await server.stop();
	await rm(root, { recursive: true, force: true });
	await context.remove();
});

let count = 0;
const recoverTo = async (target: RecoveryTarget) => {
	const options: RecoverOptions = { store, base: { by: 'newest' }, target, inclusive: true, timeline: null, folder: join(root, `r${count++}`), destination: { mode: 'startHere', serverFolder: server.serverFolder }, user: '', checkPages: false, dryRun: false };
	return await recover(options, context);
};

test('a tablespace that was created after the base backup is never replayed over the live one', async () => {
	await server.query('UPDATE in_later SET n = 9');
	await server.query('CHECKPOINT');
	const [{ path }] = (await server.query<{ path: string }>("SELECT pg_relation_filepath('in_later') AS path")) as [{ path: string }];
	const file = join(root, 'later', ...path.split('/').slice(2));
	const before = await readFile(file);
	expect(await failure(recoverTo({ by: 'latest' }))).toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining('creates a tablespace') });
	// Replayed, it would hold the older page.
	expect((await readFile(file)).equals(before)).toBe(true);
});

test.each(few(['time', 'lsn'] as const, 1))('a moment before it can be recovered, by %s, with tablespaces of its own', async (by) => {
	const result = await recoverTo(by === 'time' ? { by, time: moment } : { by, lsn });
	expect(result.reached).not.toBeNull();
	expect(await stopServerOf(join(result.folder, 'data'), NEVER)).toBe(true);
	expect(await server.query('SELECT n FROM in_earlier ORDER BY n')).toEqual([{ n: 7 }, { n: 8 }]);
});
