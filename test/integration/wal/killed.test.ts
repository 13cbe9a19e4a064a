import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runJob } from '../../../lib/jobs/run-job';
import type { WalItem } from '../../../lib/jobs/results';
import { WalWalker } from '../../../lib/postgres/wal/walk-records';
import { readSegmentName } from '../../../lib/postgres/replication/wal-segment';
import { FolderStore } from '../../../lib/storage/folder-store';
import { times } from '../../support/breadth';
import { testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { archived, digest, digestOnServer, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const SEGMENT = 16 * 1024 * 1024;
const workerModule = join(__dirname, '../../../dist/lib/jobs/worker.js');

let server: PostgresServer;
let root: string;

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	await server.query('CREATE TABLE entries (n serial, body text)');
	root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await rm(root, { recursive: true, force: true });
});

const ROUNDS = times(20, 7);

test('killed at random points while a client commits, the archive has no gap and no wrong byte', async () => {
	const location = { connection: server.connection, store: { type: 'folder' as const, path: root, prefix: '' }, lockWaitSeconds: 60 };
	let writing = true;
	const writer = (async () => {
		while (writing) await server.query(`INSERT INTO entries (body) SELECT repeat(md5(g::text), 8) FROM generate_series(1, 1500) g`);
	})();
	let started = 0;
	for (let round = 0; round < ROUNDS; round++) {
		let pid = 0;
		const onItem = (item: WalItem) => {
			if (item.event !== 'started') return;
			started += 1;
			// Some while it receives the first bytes, some after pieces and whole segments.
			setTimeout(() => process.kill(pid, 'SIGKILL'), randomInt(400));
		};
		const streaming = runJob<'postgres.streamWal'>({ kind: 'postgres.streamWal', ...location, pieceSeconds: 0.1 }, { workerModule, onStarted: (id) => (pid = id), onItem });
		await expect(streaming).rejects.toMatchObject({ code: 'JOB_CRASHED' });
	}
	writing = false;
	await writer;
	expect(started).toBe(ROUNDS);
	await runJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', ...location }, { workerModule });

	const context = await testContext();
	const system = await systemIdentifier(server);
	const everything = [...(await archived(new FolderStore({ root, randomBytes }), context, system))];
	await context.remove();
	const objects = everything.filter(([name]) => name.length === 24);
	const whole = new Map(objects);
	for (const [name, bytes] of everything) {
		const [file, from] = name.split(/\.from-|-to-/);
		// What was archived in pieces has its whole segment now.
		if (from !== undefined) expect([name, whole.get(file!)?.subarray(Number.parseInt(from, 16)).subarray(0, bytes.length).equals(bytes)]).toEqual([name, true]);
	}
	const first = readSegmentName(objects[0]![0], SEGMENT)!.start;
	const walker = new WalWalker({ systemIdentifier: system, timeline: 1, segmentBytes: SEGMENT, serverMajor: 15, start: first, checksums: true });
	for (const [index, [name, bytes]] of objects.entries()) {
		expect(readSegmentName(name, SEGMENT)!.start).toBe(first + BigInt(index * SEGMENT));
		walker.push(bytes);
		const onServer = await digestOnServer(server, name);
		if (onServer) expect([name, digest(bytes)]).toEqual([name, onServer]);
	}
	expect(objects.length).toBeGreaterThan(1);
}, 180_000);
