import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresConnection } from '../../../lib/postgres/connection-settings';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { folderForServer, serverUser, startOn } from '../../support/physical-restore';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { archived, digest, digestOnServer, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const run = promisify(execFile);
const DEFAULTS = { name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 };

let server: PostgresServer;
let context: TestContext;
const folders: string[] = [];
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
	server = await startPostgres({ settings: { ...STREAMED_SERVER, wal_keep_size: '512MB', synchronous_commit: 'on' } });
	context = await testContext();
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	for (const stop of stops.reverse()) await stop();
	await server?.stop();
	await context?.remove();
	for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A standby of `primary`, promoted once it has everything. `meanwhile` comes before what it must have. */
async function promoted(primary: PostgresServer, meanwhile: () => Promise<unknown>): Promise<PostgresServer> {
	const folder = await folderForServer();
	folders.push(folder);
	const data = join(folder, 'data');
	const env = { PATH: process.env.PATH, PGPASSWORD: primary.password };
	await run(join(primary.serverFolder, 'pg_basebackup'), ['-h', primary.host, '-p', String(primary.port), '-U', primary.user, '-D', data, '-R', '-X', 'stream', '-c', 'fast'], { env });
	const owner = await serverUser();
	if (owner) {
		await run('chown', ['-R', `${owner.uid}:${owner.gid}`, data]);
		await chown(folder, owner.uid, owner.gid);
	}
	const { server: standby, stop } = await startOn(data, primary, { standby: true, settings: { wal_keep_size: '512MB', synchronous_commit: 'on' } });
	stops.push(stop);
	await meanwhile();
	await primary.query('INSERT INTO entries VALUES (1)');
	const [row] = await primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
	for (;;) {
		const [state] = await standby.query<{ there: boolean }>(`SELECT pg_last_wal_replay_lsn() >= '${row!.lsn}'::pg_lsn AS there`);
		if (state!.there) break;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	await standby.query('SELECT pg_promote()');
	return standby;
}

test('follows promoted standbys to timelines 2 and 3, and refuses the old primary afterwards', async () => {
	const store = new MemoryStore();
	const system = await systemIdentifier(server);
	const catchUp = async (source: PostgresServer) => {
		const connection: PostgresConnection = { ...source.connection, port: source.port };
		return await archiveWal({ ...DEFAULTS, connection }, store, context);
	};
	const second = await promoted(server, async () => expect(await catchUp(server)).toMatchObject({ timelines: [1] }));
	await second.query('INSERT INTO entries SELECT n FROM generate_series(1, 1000) n');
	const third = await promoted(second, async () => expect(await catchUp(second)).toMatchObject({ timelines: [1, 2], histories: 1, gaps: [] }));
	await third.query('INSERT INTO entries SELECT n FROM generate_series(1, 1000) n');
	expect(await catchUp(third)).toMatchObject({ timelines: [2, 3], histories: 1, gaps: [] });

	const objects = await archived(store, context, system);
	expect([...objects.keys()].filter((name) => name.endsWith('.history'))).toEqual(['00000002.history', '00000003.history']);
	for (const [name, bytes] of objects) {
		if (name.includes('.from-')) continue;
		for (const owner of [server, second, third]) {
			const onServer = await digestOnServer(owner, name);
			if (onServer) expect([name, digest(bytes)]).toEqual([name, onServer]);
		}
	}
	// The old primary goes on by itself.
	expect(await failure(catchUp(server))).toMatchObject({ code: 'WAL_CONFLICT' });
}, 120_000);
