import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import { ARCHIVED_SERVER, archiveWal, serverClock } from '../../support/archived-server';
import { few } from '../../support/breadth';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { serverUser } from '../../support/physical-restore';
import { describeWithPostgres, startMajor } from '../../support/postgres-versions';
import { queryRecovered } from '../../support/recovered-server';

const DEFAULTS = { mostIncrementals: 30, whenImpossible: 'fail', name: 'crm', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;

/** 13 knows no verify_heapam, 14 to 16 are as 15 is elsewhere; 17 and 18 take incremental backups. */
describeWithPostgres(few([13, 17, 18] as const, 1), (major) => {
	test('to a moment, from all that its base backups can be: a chain where there are incremental ones, a tablespace of its own', async () => {
		const server = await startMajor(major, { settings: { ...ARCHIVED_SERVER, ...(major >= 17 && { summarize_wal: 'on' }) } });
		const root = await mkdtemp(join(tmpdir(), 'backup-recovery-pitr-'));
		await chmod(root, 0o755);
		const context = await testContext();
		const store = new MemoryStore();
		try {
			const space = join(root, 'space');
			await mkdir(space);
			const owner = await serverUser();
			if (owner) await chown(space, owner.uid, owner.gid);
			await server.query(`CREATE TABLESPACE fast LOCATION '${space}'`);
			await server.query('CREATE TABLE log (n int) TABLESPACE fast; CREATE TABLE wide AS SELECT g, md5(g::text) AS body FROM generate_series(1, 20000) g');
			const take = async (mode: 'full' | 'incremental') => await takeBaseBackup({ ...DEFAULTS, mode, connection: server.connection }, store, context);
			await take('full');
			const members = major >= 17 ? 3 : 1;
			for (let n = 1; n < members; n++) {
				await server.query(`INSERT INTO log VALUES (${n}); UPDATE wide SET body = 'changed' WHERE g = ${n}; CHECKPOINT`);
				await take('incremental');
			}
			await server.query('INSERT INTO log VALUES (10)');
			const time = await serverClock(server);
			await new Promise((resolve) => setTimeout(resolve, 20));
			await server.query('DROP TABLE wide');
			await archiveWal(server, store, context);

			const folder = join(root, 'recovered');
			const result = await recover(
				{
					store,
					base: { by: 'newest' },
					target: { by: 'time', time },
					inclusive: true,
					timeline: null,
					folder,
					destination: { mode: 'startHere', serverFolder: server.serverFolder },
					user: '',
					checkPages: true,
					dryRun: false,
				},
				context,
			);
			try {
				expect(result.chain).toHaveLength(members);
				expect((await queryRecovered<{ n: number }>(result, 'SELECT n FROM log ORDER BY n')).map(({ n }) => n)).toEqual([...Array.from({ length: members - 1 }, (_, at) => at + 1), 10]);
				expect(await queryRecovered(result, "SELECT count(*)::int AS rows, count(*) FILTER (WHERE body = 'changed')::int AS changed FROM wide")).toEqual([{ rows: 20_000, changed: members - 1 }]);
				const [place] = await queryRecovered<{ at: string }>(result, "SELECT pg_tablespace_location(oid) AS at FROM pg_tablespace WHERE spcname = 'fast'");
				// Inside the recovery folder, wherever that is moved to.
				expect(place?.at).toMatch(/^\.\.\/\.\.\/tablespaces\/\d+$/);
			} finally {
				await stopRecovered({ folder, remove: true }, context);
			}
		} finally {
			await server.stop();
			await context.remove();
			await rm(root, { recursive: true, force: true });
		}
	});
});
