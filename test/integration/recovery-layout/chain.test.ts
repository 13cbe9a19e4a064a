import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from '../../../lib/catalog/manifest';
import { checkBaseBackup } from '../../../lib/postgres/basebackup/check-base-backup';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { layOutDataDirectory } from '../../../lib/postgres/recovery/lay-out-data-directory';
import { openStore } from '../../../lib/storage/open-store';
import { few } from '../../support/breadth';
import { differences, snapshotContents } from '../../support/database-contents';
import { type TestContext, testContext } from '../../support/job-context';
import { folderForServer, followInstructions, serverUser, startOn } from '../../support/physical-restore';
import type { PostgresServer } from '../../support/postgres-server';
import { describeWithTools, startMajor } from '../../support/postgres-versions';

jest.setTimeout(90_000);
const run = promisify(execFile);

const OPTIONS = { mode: 'incremental', mostIncrementals: 10, whenImpossible: 'full', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;

describeWithTools(few([17, 18] as const, 1), (major, tools) => {
	let server: PostgresServer;
	let context: TestContext;
	let root: string;
	let target: string;

	beforeAll(async () => {
		context = await testContext();
		server = await startMajor(major, { settings: { wal_level: 'replica', max_wal_senders: '5', summarize_wal: 'on' } });
		root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
		target = await folderForServer();
	}, 60_000);
	afterAll(async () => {
		await server?.stop();
		for (const folder of [root, target]) await rm(folder, { recursive: true, force: true });
		await context.remove();
	});

	const store = () => openStore({ type: 'folder', path: root, prefix: '' }, context);
	const take = async (): Promise<Manifest> => await takeBaseBackup({ ...OPTIONS, connection: server.connection }, store(), context);
	const giveAway = async (folder: string) => {
		const owner = await serverUser();
		if (owner) await run('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
	};

	test('a chain of three becomes byte for byte what pg_combinebackup makes of it, and pg_verifybackup accepts it', async () => {
		const place = join(target, 'space');
		await mkdir(place);
		await giveAway(place);
		await server.query(`CREATE TABLESPACE fast LOCATION '${place}'`);
		await server.createDatabase('crm');
		await server.createDatabase('dropped');
		await server.query(
			`CREATE TABLE deals (id int PRIMARY KEY, body text);
			INSERT INTO deals SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 20000) g;
			CREATE TABLE elsewhere TABLESPACE fast AS SELECT * FROM deals;
			CREATE TABLE shrinking AS SELECT * FROM deals; CREATE TABLE emptied AS SELECT 1; CREATE TABLE gone AS SELECT 1`,
			'crm',
		);
		const chain = [await take()];
		await server.query('UPDATE deals SET body = 1 WHERE id % 3000 = 0; DELETE FROM shrinking WHERE id > 5000; INSERT INTO elsewhere SELECT g, g::text FROM generate_series(1, 1000) g; DROP TABLE gone', 'crm');
		await server.query('VACUUM shrinking', 'crm');
		await server.query('DROP DATABASE dropped');
		chain.push(await take());
		await server.query('TRUNCATE emptied; CREATE TABLE fresh AS SELECT * FROM deals WHERE id < 100; CREATE INDEX ON elsewhere (id)', 'crm');
		// Makes room for more rows than it writes; the pages without rows stand in no WAL.
		await server.query(`COPY shrinking FROM PROGRAM 'seq 100001 102000 | sed s/$/,${'x'.repeat(300)}/' (FORMAT csv)`, 'crm');
		chain.push(await take());
		await server.query('UPDATE deals SET body = 2 WHERE id = 77; UPDATE elsewhere SET body = 3 WHERE id = 78', 'crm');
		chain.push(await take());
		expect(chain.map(({ kind }) => kind)).toEqual(['base', 'incremental', 'incremental', 'incremental']);
		expect(await checkBaseBackup(store(), chain[3]!, context)).toMatchObject({ incrementalFiles: expect.any(Number), blocks: expect.any(Number) });

		const ours = join(target, 'ours');
		const laid = await layOutDataDirectory(store(), chain, { dataFolder: ours, tablespaceFolder: (oid) => join(target, 'ours-spaces', String(oid)) }, context);
		expect(laid.files).toBeGreaterThan(1000);
		await giveAway(target);
		const { data } = await followInstructions(root, chain[3]!.id, join(target, 'stock'), tools);
		const [oid] = await readdir(join(ours, 'pg_tblspc'));
		expect(await treeDifferences(data, ours)).toEqual([]);
		expect(await treeDifferences(join(data, 'pg_tblspc', oid!), join(ours, 'pg_tblspc', oid!))).toEqual([]);

		const owner = await serverUser();
		const { stdout } = await run(join(tools, 'pg_verifybackup'), [ours], { ...owner });
		expect(stdout).toContain('backup successfully verified');
		const restored = await startOn(ours, server);
		try {
			expect(differences(await snapshotContents(server, 'crm'), await snapshotContents(restored.server, 'crm'))).toEqual([]);
		} finally {
			await restored.stop();
		}
	});
});

/** Files of two folders that are not the same; links are not followed, and the manifests tell their own times. */
async function treeDifferences(first: string, second: string, below = ''): Promise<string[]> {
	const namesOf = async (folder: string) => (await readdir(join(folder, below))).filter((name) => below !== '' || !['backup_manifest', 'tablespace_map'].includes(name));
	const [one, other] = await Promise.all([namesOf(first), namesOf(second)]);
	const found = [...one.filter((name) => !other.includes(name)).map((name) => `only stock: ${join(below, name)}`), ...other.filter((name) => !one.includes(name)).map((name) => `only ours: ${join(below, name)}`)];
	for (const name of one.filter((common) => other.includes(common))) {
		const path = join(below, name);
		if (path.startsWith('pg_tblspc/')) continue;
		if ((await stat(join(first, path))).isDirectory()) found.push(...(await treeDifferences(first, second, path)));
		else if (!(await readFile(join(first, path))).equals(await readFile(join(second, path)))) found.push(`differs: ${path}`);
	}
	return found;
}
