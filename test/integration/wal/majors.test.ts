import { formatLsn, parseLsn } from '../../../lib/postgres/replication/lsn';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { readSegmentName } from '../../../lib/postgres/replication/wal-segment';
import { WalWalker } from '../../../lib/postgres/wal/walk-records';
import { few } from '../../support/breadth';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { describeWithPostgres, MAJORS, startMajor } from '../../support/postgres-versions';
import { archived, digest, digestOnServer, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const SEGMENT = 16 * 1024 * 1024;

describeWithPostgres(few(MAJORS, 2), (major) => {
	test('archives its WAL, every record of which has its checksum', async () => {
		const server = await startMajor(major, { settings: STREAMED_SERVER });
		const context = await testContext();
		const store = new MemoryStore();
		try {
			const options = { name: '', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0, connection: server.connection };
			await archiveWal(options, store, context);
			await server.query(`CREATE TABLE entries AS SELECT n, repeat(md5(n::text), 8) AS body FROM generate_series(1, 70000) n`);
			for (let at = 0; at < 5; at++) await server.query('INSERT INTO entries VALUES (0, $1)', 'postgres', [`row ${at}`]);
			const done = await archiveWal(options, store, context);
			expect(done).toMatchObject({ timeline: 1, gaps: [], warnings: [] });
			expect(done.segments).toBeGreaterThan(1);

			const system = await systemIdentifier(server);
			const segments = await archived(store, context, system);
			const [first = ''] = segments.keys();
			const start = readSegmentName(first, SEGMENT)!.start;
			const walker = new WalWalker({ start, timeline: 1, systemIdentifier: system, segmentBytes: SEGMENT, serverMajor: major, checksums: true });
			for (const [name, bytes] of segments) {
				expect([name, digest(bytes)]).toEqual([name, await digestOnServer(server, name)]);
				walker.push(bytes);
			}
			expect(formatLsn(walker.position)).toBe(formatLsn(parseLsn(done.toLsn!)));
			expect(walker.takeTimes().commits).toBeGreaterThan(5);
		} finally {
			await server.stop();
			await context.remove();
		}
	});
});
