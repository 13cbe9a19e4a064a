import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, chown, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { layOutDataDirectory } from '../../../lib/postgres/recovery/lay-out-data-directory';
import { differences, snapshotContents } from '../../support/database-contents';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { folderForServer, serverUser, startOn } from '../../support/physical-restore';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);
const run = promisify(execFile);

const OPTIONS = { mode: 'full', mostIncrementals: 10, whenImpossible: 'fail', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;

let server: PostgresServer;
let space: string;

beforeAll(async () => {
	server = await startPostgres({ settings: { wal_level: 'replica', max_wal_senders: '5' } });
	space = await folderForServer();
	const place = join(space, 'it is here');
	await mkdir(place);
	const owner = await serverUser();
	if (owner) await chown(place, owner.uid, owner.gid);
	await server.createDatabase('crm');
	await server.query(`CREATE TABLESPACE fast LOCATION '${place}'`);
	await server.query(
		`CREATE TABLE deals (id int PRIMARY KEY, body text);
		INSERT INTO deals SELECT g, md5(g::text) FROM generate_series(1, 50000) g;
		CREATE TABLE elsewhere TABLESPACE fast AS SELECT * FROM deals;`,
		'crm',
	);
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await rm(space, { recursive: true, force: true });
});

test('a full base backup becomes a data directory that the stock tools accept and a server starts from, with the contents that pg_basebackup gives', async () => {
	const context = await testContext();
	const store = new MemoryStore();
	const manifest = await takeBaseBackup({ ...OPTIONS, connection: server.connection }, store, context);
	const target = await folderForServer();
	const data = join(target, 'data');
	const laid = await layOutDataDirectory(store, [manifest], { dataFolder: data, tablespaceFolder: (oid) => join(target, 'tablespaces', String(oid)) }, context);
	expect(laid.files).toBeGreaterThan(1200);
	const owner = await serverUser();
	if (owner) await run('chown', ['-R', `${owner.uid}:${owner.gid}`, target]);
	expect((await stat(data)).mode & 0o777).toBe(0o700);
	const { stdout } = await run(join(server.serverFolder, 'pg_verifybackup'), [data], { ...owner });
	expect(stdout).toContain('backup successfully verified');
	const stock = join(target, 'stock');
	const map = `--tablespace-mapping=${(manifest.basebackup?.tablespaces[0]?.location ?? '').replaceAll('=', '\\=')}=${join(target, 'stock-space')}`;
	await run(join(server.serverFolder, 'pg_basebackup'), ['-h', server.host, '-p', String(server.port), '-U', server.user, '-D', stock, '-c', 'fast', map], { ...owner, env: { PATH: process.env.PATH, PGPASSWORD: server.password } });
	// All of it can be moved, for a container that sees it under another name.
	const moved = await mkdtemp(join(tmpdir(), 'backup-recovery-moved-'));
	await run('mv', [data, join(target, 'tablespaces'), moved]);
	if (owner) await chown(moved, owner.uid, owner.gid);
	const oid = manifest.basebackup?.tablespaces[0]?.oid ?? 0;
	expect(await readlink(join(moved, 'data', 'pg_tblspc', String(oid)))).toBe(`../../tablespaces/${oid}`);
	const restored = await startOn(join(moved, 'data'), server);
	const byPgBasebackup = await startOn(stock, server);
	try {
		const ours = await snapshotContents(restored.server, 'crm');
		expect(differences(await snapshotContents(server, 'crm'), ours)).toEqual([]);
		expect(differences(await snapshotContents(byPgBasebackup.server, 'crm'), ours)).toEqual([]);
	} finally {
		await Promise.all([restored.stop(), byPgBasebackup.stop()]);
		await Promise.all([target, moved].map(async (folder) => await rm(folder, { recursive: true, force: true })));
		await context.remove();
	}
});
