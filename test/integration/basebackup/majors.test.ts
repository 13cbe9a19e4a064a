import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { openStore } from '../../../lib/storage/open-store';
import { few } from '../../support/breadth';
import { differences, snapshotContents } from '../../support/database-contents';
import { testContext } from '../../support/job-context';
import { followInstructions, folderForServer, serverUser, startOn } from '../../support/physical-restore';
import { describeWithPostgres, startMajor, toolsFolder } from '../../support/postgres-versions';

jest.setTimeout(60_000);

const DEFAULTS = { mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: '', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;
/** 13 and 14 speak another dialect of BASE_BACKUP; 17 and 18 have tools of their own that check. The server of Debian has a test of its own. */
describeWithPostgres([...few([13, 14, 16, 17] as const, 1), 18], (major) => {
	test('what comes back is what was there, tablespace included', async () => {
		const server = await startMajor(major, { settings: { wal_level: 'replica', max_wal_senders: '5' } });
		const [root, space, target] = await Promise.all([mkdtemp(join(tmpdir(), 'backup-recovery-store-')), folderForServer(), folderForServer()]);
		const context = await testContext();
		try {
			const place = join(space, 'data');
			await mkdir(place);
			const owner = await serverUser();
			if (owner) await chown(place, owner.uid, owner.gid);
			await server.query(`CREATE TABLESPACE fast LOCATION '${place}'`);
			await server.query(`CREATE TABLE deals AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g; CREATE TABLE elsewhere TABLESPACE fast AS SELECT * FROM deals`);
			const manifest = await takeBaseBackup({ ...DEFAULTS, connection: server.connection }, openStore({ type: 'folder', path: root, prefix: '' }, context), context);
			expect(manifest).toMatchObject({ source: { name: `127.0.0.1:${server.port}`, serverMajor: major }, basebackup: { timeline: 1, tablespaces: [{ location: place }] } });
			// Those of npm were built without zstd, and 13 and 14 cannot compress at all: then it happens here.
			const base = manifest.artifacts.find(({ role }) => role === 'base');
			const compresses = (major === 17 || major === 18) && toolsFolder(major) !== '';
			expect(base?.compression.algorithm === 'zstd' && base.compression.frameBytes === 0).toBe(compresses);
			const { data, output } = await followInstructions(root, manifest.id, target, server.serverFolder);
			if ((major === 17 || major === 18) && toolsFolder(major) !== '') expect(output).toContain('backup successfully verified');
			const restored = await startOn(data, server);
			try {
				expect(differences(await snapshotContents(server, 'postgres'), await snapshotContents(restored.server, 'postgres'))).toEqual([]);
			} finally {
				await restored.stop();
			}
		} finally {
			await server.stop();
			await context.remove();
			await Promise.all([root, space, target].map(async (folder) => await rm(folder, { recursive: true, force: true })));
		}
	});
});
