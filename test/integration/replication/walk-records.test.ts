import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatLsn, parseLsn } from '../../../lib/postgres/replication/lsn';
import { readSegmentName } from '../../../lib/postgres/replication/wal-segment';
import { microseconds } from '../../../lib/postgres/wal/server-time';
import { type WalkOptions, type WalRecordHeader, WalWalker } from '../../../lib/postgres/wal/walk-records';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

const SEGMENT = 16 * 1024 * 1024;
const run = promisify(execFile);

let server: PostgresServer;
let segments: Buffer[];
let origin: Omit<WalkOptions, 'start'>;
let start: bigint;
let dump: { lsn: string; manager: string; bytes: number; text: string }[];

beforeAll(async () => {
	server = await startPostgres({ settings: { wal_level: 'replica', max_prepared_transactions: '5', wal_keep_size: '1GB', full_page_writes: 'on' } });
	await server.query('SELECT pg_switch_wal()');
	await server.query('CREATE TABLE entries AS SELECT n, repeat(md5(n::text), 20) AS body FROM generate_series(1, 50000) n');
	await server.query(`SELECT pg_create_restore_point('before the end')`);
	for (const n of [1, 2, 3]) await server.query(`UPDATE entries SET body = '' WHERE n % 7 = ${n}`);
	await server.query(`BEGIN; DELETE FROM entries WHERE n = 4; PREPARE TRANSACTION 'later'`);
	await server.query(`COMMIT PREPARED 'later'`);
	// A record far larger than a page.
	await server.query(`SELECT pg_logical_emit_message(false, 'test', repeat('x', 300000))`);
	await server.query('SELECT pg_switch_wal()');
	await server.query('CHECKPOINT');
	await server.query('SELECT pg_switch_wal()');
	const [row] = await server.query<{ folder: string; system: string; last: string }>(
		`SELECT current_setting('data_directory') AS folder, system_identifier::text AS system, pg_walfile_name(pg_current_wal_lsn()) AS last FROM pg_control_system()`,
	);
	const last = readSegmentName(row!.last, SEGMENT)!.start;
	const names = (await server.query<{ name: string }>('SELECT name FROM pg_ls_waldir() ORDER BY name')).map(({ name }) => name);
	const complete = names.filter((name) => (readSegmentName(name, SEGMENT)?.start ?? last) < last);
	segments = await Promise.all(complete.map(async (name) => await readFile(join(row!.folder, 'pg_wal', name))));
	start = readSegmentName(complete[0]!, SEGMENT)!.start;
	origin = { systemIdentifier: row!.system, timeline: 1, segmentBytes: SEGMENT, serverMajor: 15 };
	const { stdout } = await run(join(server.serverFolder, 'pg_waldump'), ['--path', join(row!.folder, 'pg_wal'), complete[0]!, complete.at(-1)!], { maxBuffer: 1 << 30 });
	dump = [...stdout.matchAll(/^rmgr: (\S+)\s+len \(rec\/tot\):\s+\d+\/\s*(\d+), tx:\s+\d+, lsn: (\S+), prev \S+, desc: (.*)$/gm)].map(([, manager, bytes, lsn, text]) => ({
		manager: manager!,
		bytes: Number(bytes),
		lsn: formatLsn(parseLsn(lsn!)),
		text: text!,
	}));
}, 60_000);
afterAll(async () => await server.stop());

function walk(options: Partial<WalkOptions> = {}, pieces: (bytes: Buffer) => Iterable<Buffer> = (bytes) => [bytes], from = 0): { records: WalRecordHeader[]; walker: WalWalker } {
	const records: WalRecordHeader[] = [];
	const walker = new WalWalker({ ...origin, start: start + BigInt(from * SEGMENT), onRecord: (record) => records.push(record), ...options });
	for (const segment of segments.slice(from)) for (const piece of pieces(segment)) walker.push(piece);
	return { records, walker };
}

function text(records: readonly WalRecordHeader[]): string {
	return records.map(({ start: lsn, bytes }) => `${formatLsn(lsn)} ${bytes}`).join();
}

function* cut(bytes: Buffer, lengths: () => number): Generator<Buffer> {
	for (let at = 0; at < bytes.length; ) {
		const end = at + lengths();
		yield bytes.subarray(at, end);
		at = end;
	}
}

test('sees the records, commits and restore points that pg_waldump sees, also in chunks of any size', () => {
	expect(segments.length).toBeGreaterThan(3);
	const { records, walker } = walk({ checksums: true });
	expect(records.length).toBeGreaterThan(30_000);
	// As one text: jest takes seconds over so many elements.
	expect(text(records) === dump.map(({ lsn, bytes }) => `${lsn} ${bytes}`).join()).toBe(true);
	expect(walker.position).toBe(start + BigInt(segments.length * SEGMENT));

	const times = walker.takeTimes();
	const commits = dump.filter(({ manager, text }) => manager === 'Transaction' && /^COMMIT/.test(text)).map(({ text }) => /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+) UTC/.exec(text)!);
	const commitTimes = commits.map(([, date, time]) => microseconds(`${date}T${time}Z`)).sort();
	expect(times.commits).toBe(commits.length);
	expect([microseconds(times.firstCommitAt!), microseconds(times.lastCommitAt!)]).toEqual([commitTimes[0], commitTimes.at(-1)]);
	const point = dump.findIndex(({ text }) => text.startsWith('RESTORE_POINT before the end'));
	expect(times.restorePoints).toMatchObject([{ name: 'before the end', lsn: dump[point + 1]!.lsn }]);
	expect(walker.takeTimes()).toMatchObject({ commits: 0, lastCommitAt: null });

	let seed = 1;
	const odd = () => 1 + ((seed = (seed * 16_807) % 2_147_483_647) % 9000);
	for (const lengths of [odd, () => 8192, () => 131]) {
		const again = walk({ checksums: true }, (bytes) => cut(bytes, lengths));
		expect(text(again.records) === text(records)).toBe(true);
		expect(again.walker.takeTimes()).toEqual(times);
	}
	// From the second segment on, where the first record began before.
	const later = walk({}, undefined, 1).records;
	expect(text(later) === text(records.filter(({ start: lsn }) => lsn >= later[0]!.start))).toBe(true);
	expect(records.length - later.length).toBeLessThan(records.length / 2);
});

test('refuses what is no log of this server at this place', () => {
	const [first, second] = segments as [Buffer, Buffer];
	const push = (bytes: Buffer, options: Partial<WalkOptions> = {}) => () => new WalWalker({ ...origin, start, ...options }).push(bytes);
	expect(push(first)).not.toThrow();
	expect(push(first, { systemIdentifier: '7' })).toThrow(/is one of the server/);
	expect(push(first, { timeline: 0 })).toThrow(/is of timeline 1/);
	expect(push(first, { serverMajor: 16 })).toThrow(/begins with 0xD110 instead of 0xD113/);
	expect(push(first, { segmentBytes: 1024 * 1024, start })).toThrow(/16777216 bytes/);
	expect(push(second)).toThrow(/says that it is the one at/);
	expect(push(Buffer.alloc(SEGMENT))).toThrow(/begins with 0x0/);
	expect(push(Buffer.concat([first, segments[2]!]))).toThrow(/says that it is the one at/);

	const flip = (at: number) => {
		const bytes = Buffer.from(first);
		bytes[at]! ^= 1;
		return bytes;
	};
	// Wherever a bit is turned in a record, the checksum finds it.
	for (let at = 50_000; at < 3_000_000; at += 100_003) expect(push(flip(at), { checksums: true })).toThrow(/not valid at/);
});
