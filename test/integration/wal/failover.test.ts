import type { PostgresConnection } from '../../../lib/postgres/connection-settings';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { type Standby, STANDBY_SETTINGS, startStandby } from '../../support/standby';
import { archived, digest, digestOnServer, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const DEFAULTS = { name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 };

let server: PostgresServer;
let context: TestContext;
const standbys: Standby[] = [];

beforeAll(async () => {
	server = await startPostgres({ settings: { ...STREAMED_SERVER, ...STANDBY_SETTINGS } });
	context = await testContext();
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	for (const { stop } of standbys.reverse()) await stop();
	await server?.stop();
	await context?.remove();
});

/** A standby of `primary`, promoted once it has everything. `meanwhile` comes before what it must have. */
async function promoted(primary: PostgresServer, meanwhile: () => Promise<unknown>): Promise<PostgresServer> {
	const standby = await startStandby(primary);
	standbys.push(standby);
	await meanwhile();
	await primary.query('INSERT INTO entries VALUES (1)');
	await standby.caughtUp();
	await standby.server.query('SELECT pg_promote()');
	return standby.server;
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
