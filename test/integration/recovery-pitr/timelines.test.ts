import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresConnection, postgresConnectionSchema } from '../../../lib/postgres/connection-settings';
import type { RecoverResult } from '../../../lib/postgres/recovery/options';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import type { RecoveryTarget } from '../../../lib/postgres/recovery/target';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { serverClock, stockBaseBackup } from '../../support/archived-server';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { queryRecovered } from '../../support/recovered-server';
import { STREAMED_SERVER } from '../../support/wal-archive';

let server: PostgresServer;
let context: TestContext;
let root: string;
const store = new MemoryStore();
const running: string[] = [];

beforeAll(async () => {
	context = await testContext();
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-timelines-'));
	await chmod(root, 0o755);
	server = await startPostgres({ settings: { ...STREAMED_SERVER, wal_keep_size: '256MB' } });
}, 60_000);
afterAll(async () => {
	for (const folder of running) await stopRecovered({ folder, remove: true }, context);
	await server?.stop();
	await rm(root, { recursive: true, force: true });
	await context?.remove();
});

const archive = async (connection: PostgresConnection) => await archiveWal({ name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0, connection }, store, context);

async function recovered(target: RecoveryTarget): Promise<RecoverResult> {
	const folder = join(root, `r${running.length}`);
	const result = await recover({ store, base: { by: 'newest' }, target, inclusive: true, timeline: null, folder, destination: { mode: 'startHere', serverFolder: '/usr/lib/postgresql/15/bin' }, user: '', checkPages: false, dryRun: false }, context);
	running.push(folder);
	return result;
}

/** What was recovered becomes the server that is worked with, and archived. */
function asPrimary({ folder, server: place }: RecoverResult) {
	const query: PostgresServer['query'] = async (sql, database, values) => await queryRecovered({ server: place }, sql, database, values);
	const connection = postgresConnectionSchema.parse({ ...place, database: 'crm', tls: { mode: 'disable' } });
	const archived = async () => {
		await appendFile(join(folder, 'data', 'pg_hba.conf'), 'local replication all trust\n');
		await query('SELECT pg_reload_conf()');
		return await archive(connection);
	};
	return { query, archived };
}

const pause = async () => await new Promise((resolve) => setTimeout(resolve, 30));

/** Writes rows, and tells the time after each. */
async function write({ query }: Pick<PostgresServer, 'query'>, ...numbers: number[]): Promise<string[]> {
	const after: string[] = [];
	for (const n of numbers) {
		await query(`INSERT INTO log VALUES (${n})`, 'crm');
		await pause();
		after.push(await serverClock({ query }));
		await pause();
	}
	return after;
}

test('a time on timeline 3, over what our own archiver wrote of three servers', async () => {
	await server.createDatabase('crm');
	await server.query('CREATE TABLE log (n int)', 'crm');
	await stockBaseBackup(server, store, context);
	const first = await write(server, 1, 2, 3);
	expect(await archive(server.connection)).toMatchObject({ timelines: [1] });

	const second = asPrimary(await recovered({ by: 'time', time: first[1]! }));
	const after2 = await write(second, 21, 22, 23);
	expect(await second.archived()).toMatchObject({ timelines: [2], histories: 1, gaps: [] });

	const third = asPrimary(await recovered({ by: 'time', time: after2[1]! }));
	const after3 = await write(third, 31, 32, 33);
	expect(await third.archived()).toMatchObject({ timelines: [3], histories: 1, gaps: [] });

	const there = async (result: RecoverResult) => (await queryRecovered<{ n: number }>(result, 'SELECT n FROM log ORDER BY n', 'crm')).map(({ n }) => n);
	const last = await recovered({ by: 'time', time: after3[1]! });
	expect(last.reached).toMatchObject({ timeline: 4 });
	expect(await there(last)).toEqual([1, 2, 21, 22, 31, 32]);
	expect(await there(await recovered({ by: 'latest' }))).toEqual([1, 2, 21, 22, 31, 32, 33]);
}, 180_000);
