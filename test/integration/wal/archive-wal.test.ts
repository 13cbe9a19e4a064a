import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const run = promisify(execFile);

let server: PostgresServer;
let context: TestContext;
let system: string;
let store: MemoryStore;

const DEFAULTS = { name: 'main', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 };
const catchUp = async (options: Partial<typeof DEFAULTS> = {}) => await archiveWal({ ...DEFAULTS, connection: server.connection, ...options }, store, context);

beforeAll(async () => {
	server = await startPostgres({ settings: STREAMED_SERVER });
	system = await systemIdentifier(server);
	context = await testContext();
	await server.query('CREATE TABLE entries (n int, body text)');
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await context?.remove();
});
beforeEach(async () => {
	store = new MemoryStore();
	await server.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
});

const write = async (rows: number) => await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, ${rows}) n`);

/** What the server has under that name, if it still has it. */
async function ofServer(name: string): Promise<string> {
	const [row] = await server.query<{ content: Buffer }>(`SELECT pg_read_binary_file('pg_wal/${name}') AS content`);
	return digest(row!.content);
}

test('archives whole segments up to now, equal to those of the server, and goes on where it ended', async () => {
	const first = await catchUp();
	await write(100_000);
	const second = await catchUp();
	expect(second.segments).toBeGreaterThan(1);
	expect(second).toMatchObject({ pieces: 0, alreadyThere: 0, fromLsn: first.toLsn, timeline: 1, gaps: [], warnings: [], slot: { walStatus: 'reserved' } });
	expect(Date.parse(second.lastCommitAt!)).toBeGreaterThan(Date.parse(first.lastCommitAt!));

	const segments = await archived(store, context, system);
	expect(segments.size).toBe(first.segments + second.segments);
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-wal-'));
	try {
		for (const [name, bytes] of segments) {
			expect([name, digest(bytes)]).toEqual([name, await ofServer(name)]);
			await writeFile(join(folder, name), bytes);
		}
		const names = [...segments.keys()];
		const { stdout } = await run(join(server.serverFolder, 'pg_waldump'), ['--path', folder, names[0]!, names.at(-1)!], { maxBuffer: 1 << 30 });
		expect(stdout.match(/desc: COMMIT/g)!.length).toBeGreaterThan(2);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
	expect(context.events.some(({ unit, total }) => unit === 'bytes' && (total ?? 0) > 1e7)).toBe(true);
});

test('without the right to end a segment its beginning is archived, and the segment takes its place', async () => {
	const first = await catchUp({ switchSegment: false });
	expect(first).toMatchObject({ pieces: 1 });
	// The server was idle; there is a commit all the same, to stop at.
	expect(Date.parse(first.lastCommitAt!)).toBeGreaterThan(Date.parse(first.startedAt));
	await write(10);
	const second = await catchUp({ switchSegment: false });
	expect(second).toMatchObject({ segments: 0, pieces: 1 });
	const pieces = [...(await archived(store, context, system))].filter(([name]) => name.includes('.from-'));
	// The second holds all of the first.
	expect(pieces).toHaveLength(1);
	const third = await catchUp();
	expect(third).toMatchObject({ segments: 1, pieces: 0 });
	const [name] = pieces[0]![0].split('.');
	const after = await archived(store, context, system);
	expect([...after.keys()].filter((each) => each.startsWith(name!))).toEqual([name]);
	expect(pieces[0]![1].equals(after.get(name!)!.subarray(0, pieces[0]![1].length))).toBe(true);
	expect([...store.objects.keys()].filter((key) => key.includes('.from-'))).toEqual([]);
});

test('a slot that somebody dropped leaves a gap that is named, until there is a base backup after it', async () => {
	await catchUp();
	await server.query(`SELECT pg_drop_replication_slot('backup_recovery')`);
	for (let n = 0; n < 4; n++) {
		await write(100_000);
		await server.query('SELECT pg_switch_wal()');
	}
	await server.query('CHECKPOINT; CHECKPOINT');
	const error = await failure(catchUp());
	expect(error.code).toBe('WAL_GAP');
	expect(error.hint).toContain('base backup');
});
