import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withClient } from '../../../lib/postgres/connect';
import { readSlot } from '../../../lib/postgres/wal/replication-slot';
import { slotWarnings } from '../../../lib/postgres/wal/slot-warnings';
import type { WalItem } from '../../../lib/postgres/wal/stream-items';
import { streamWal } from '../../../lib/postgres/wal/stream-wal';
import { listWal } from '../../../lib/postgres/wal/wal-archive';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { serverUser } from '../../support/physical-restore';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const run = promisify(execFile);
const DEFAULTS = { name: 'main', slotName: 'backup_recovery', compressionLevel: 1, lockWaitSeconds: 0, pieceSeconds: 0.2, itemPerSegment: false, itemSeconds: 0.5, heartbeatSeconds: 0.5 };

let server: PostgresServer;
let data: string;
let restarted = false;

beforeAll(async () => {
	server = await startPostgres({ settings: { ...STREAMED_SERVER, max_slot_wal_keep_size: '32MB', synchronous_commit: 'on' } });
	const [row] = await server.query<{ data: string }>(`SELECT current_setting('data_directory') AS data`);
	data = row!.data;
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	if (restarted) await control('stop', '-m', 'immediate');
	await server?.stop();
});

async function control(...args: string[]): Promise<void> {
	await run(join(server.serverFolder, 'pg_ctl'), ['-D', data, '-w', '-s', '-l', '/dev/null', ...args], { ...(await serverUser()), cwd: '/' });
}

test('a server that is restarted sends all before it goes, and is archived on when it is back; a lost slot ends it', async () => {
	const store = new MemoryStore();
	const context = await testContext();
	const items: WalItem[] = [];
	const ended = streamWal({ ...DEFAULTS, connection: server.connection }, store, context, (item) => items.push(item)).catch((error: unknown) => error);
	const started = () => items.filter(({ event }) => event === 'started').length;
	await until('it starts', () => started() === 1);
	await server.query(`INSERT INTO entries SELECT n, md5(n::text) FROM generate_series(1, 20000) n`);
	restarted = true;
	const stopping = performance.now();
	await control('restart', '-m', 'fast');
	// A server that waits for what is not confirmed would hold on until wal_sender_timeout, 60 seconds.
	expect(performance.now() - stopping).toBeLessThan(30_000);
	await until('it goes on', () => started() > 1);
	expect(items.some((item) => item.event === 'warning')).toBe(true);
	await server.query('INSERT INTO entries VALUES (1)');
	const [now] = await server.query<{ file: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS file');
	await until('it is archived', async () => {
		for await (const { name } of listWal(store, await systemIdentifier(server))) if (name.startsWith(now!.file)) return true;
		return false;
	});
	context.abort();
	await ended;

	// Meanwhile more is written than the server keeps: it is told before that, and again when it is nearly too late.
	const told: string[] = [];
	const look = async () => {
		const signal = new AbortController().signal;
		const slot = await withClient(server.connection, { signal, applicationName: 'test' }, async (client) => await readSlot(client, DEFAULTS.slotName));
		told.push(...slotWarnings(slot, DEFAULTS.slotName));
	};
	await look();
	expect(told).toEqual([]);
	for (let n = 0; n < 24; n++) {
		await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 15000) n`);
		await look();
	}
	await server.query('CHECKPOINT');
	await look();
	const kinds = told.map((text) => ['may be lost after', 'about to be lost', 'is lost'].find((kind) => text.includes(kind)));
	expect([...new Set(kinds)]).toEqual(['may be lost after', 'about to be lost', 'is lost']);
	const [slot] = await server.query<{ wal_status: string }>('SELECT wal_status FROM pg_replication_slots');
	expect(slot!.wal_status).toBe('lost');
	const again = await testContext();
	await expect(streamWal({ ...DEFAULTS, connection: server.connection }, store, again, () => undefined)).rejects.toMatchObject({ code: 'WAL_GAP' });
	// Made anew: from now on the log is kept.
	expect(await server.query('SELECT wal_status FROM pg_replication_slots')).toEqual([{ wal_status: 'reserved' }]);
	const names = [...(await archived(store, again, await systemIdentifier(server)))].map(([name, bytes]) => `${name} ${digest(bytes).length}`);
	expect(names.length).toBeGreaterThan(0);
	await context.remove();
	await again.remove();
}, 120_000);
