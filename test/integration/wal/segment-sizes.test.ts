import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { serverClock } from '../../support/archived-server';
import { few } from '../../support/breadth';
import { failure } from '../../support/failure';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { startPostgres } from '../../support/postgres-server';
import { queryRecovered } from '../../support/recovered-server';
import { archived, digest, STREAMED_SERVER, systemIdentifier } from '../../support/wal-archive';

const run = promisify(execFile);
const MEGABYTE = 1024 * 1024;

test.each(few([1, 64], 1))('segments of %d MB are archived, read by the stock tool, and recovered to a moment', async (megabytes) => {
	const server = await startPostgres({ settings: STREAMED_SERVER, initdb: [`--wal-segsize=${megabytes}`] });
	const context = await testContext();
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-sizes-'));
	try {
		await chmod(folder, 0o755);
		const { connection } = server;
		const store = new MemoryStore();
		const catchUp = async (switchSegment = true) => await archiveWal({ connection, name: 'main', slotName: 'backup_recovery', switchSegment, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
		const write = async (rows: number) => await server.query(`INSERT INTO entries SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, ${rows}) n`);
		await server.query('CREATE TABLE entries (n int, body text)');
		await catchUp();
		await takeBaseBackup({ connection, mode: 'full', mostIncrementals: 0, whenImpossible: 'fail', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 }, store, context);
		// More than is ever held in memory, and less than a large segment.
		await write(80_000);
		if (megabytes > 16) {
			// The disk fills before the segment is complete.
			const temporary = join(context.workFolder, 'wal-1');
			await mkdir(temporary, { recursive: true });
			const [row] = await server.query<{ name: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
			await symlink('/dev/full', join(temporary, row!.name));
			expect(await failure(catchUp(false))).toMatchObject({ code: 'NO_SPACE' });
			await rm(join(temporary, row!.name), { force: true });
		}
		expect(await catchUp(false)).toMatchObject({ pieces: 1, gaps: [] });
		await new Promise((resolve) => setTimeout(resolve, 20));
		const target = await serverClock(server);
		await new Promise((resolve) => setTimeout(resolve, 20));
		await server.query('DELETE FROM entries');
		const done = await catchUp();
		expect(done).toMatchObject({ gaps: [], warnings: [] });

		const segments = new Map([...(await archived(store, context, await systemIdentifier(server)))].filter(([name]) => name.length === 24));
		expect(segments.size).toBeGreaterThan(megabytes === 1 ? 20 : 1);
		const wal = join(folder, 'wal');
		await mkdir(wal);
		for (const [name, bytes] of segments) {
			expect(bytes).toHaveLength(megabytes * MEGABYTE);
			const [row] = await server.query<{ content: Buffer | null }>(`SELECT pg_read_binary_file('pg_wal/${name}', 0, ${bytes.length}, true) AS content`);
			if (row!.content) expect([name, digest(bytes)]).toEqual([name, digest(row!.content)]);
			await writeFile(join(wal, name), bytes);
		}
		const names = [...segments.keys()];
		const { stdout } = await run(join(server.serverFolder, 'pg_waldump'), ['--path', wal, '--rmgr', 'Transaction', names[0]!, names.at(-1)!], { maxBuffer: 1 << 28 });
		expect(stdout.match(/desc: COMMIT/g)!.length).toBeGreaterThan(2);

		const destination = { mode: 'startHere' as const, serverFolder: server.serverFolder };
		const result = await recover({ store, base: { by: 'newest' }, target: { by: 'time', time: target }, inclusive: true, timeline: null, folder: join(folder, 'recovered'), destination, user: '', checkPages: false, dryRun: false }, context);
		expect(await queryRecovered(result, 'SELECT count(*)::int AS rows FROM entries')).toEqual([{ rows: 80_000 }]);
		await stopRecovered({ folder: result.folder, remove: true }, context);
	} finally {
		await server.stop();
		await context.remove();
		await rm(folder, { recursive: true, force: true });
	}
}, 180_000);
