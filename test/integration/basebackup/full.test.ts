import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { openStore } from '../../../lib/storage/open-store';
import { differences, snapshotContents } from '../../support/database-contents';
import { testContext } from '../../support/job-context';
import { followInstructions, folderForServer, serverUser, startOn } from '../../support/physical-restore';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

jest.setTimeout(60_000);

const DEFAULTS = { mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;

let server: PostgresServer;
let root: string;
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
		CREATE TABLE elsewhere TABLESPACE fast AS SELECT * FROM deals;
		SELECT lo_from_bytea(50001, 'x');`,
		'crm',
	);
}, 60_000);
afterAll(async () => {
	await server?.stop();
	await rm(space, { recursive: true, force: true });
});
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'))));
afterEach(async () => await rm(root, { recursive: true, force: true }));

test.each(['server', 'here'] as const)('compressed %s: stock tools accept it, and what comes back is what was there', async (compressAt) => {
	const context = await testContext();
	const manifest = await takeBaseBackup({ ...DEFAULTS, compressAt, connection: server.connection }, openStore({ type: 'folder', path: root, prefix: '' }, context), context);
	expect(manifest).toMatchObject({ kind: 'base', parent: null, source: { type: 'postgres', name: 'main' }, warnings: expect.anything() });
	const { basebackup } = manifest;
	expect(basebackup?.files.count).toBeGreaterThan(900);
	expect(basebackup?.tablespaces).toHaveLength(1);
	const archives = manifest.artifacts.filter(({ role }) => role === 'base' || role === 'tablespace');
	// One frame is what the server writes; ours are many.
	expect(archives.map(({ compression }) => compression.algorithm === 'zstd' && compression.frameBytes === 0)).toEqual([compressAt === 'server', compressAt === 'server']);
	expect(archives.every(({ sourceBytes, storedBytes }) => sourceBytes > 2 * storedBytes)).toBe(true);
	expect(basebackup?.databases.map(({ name }) => name)).toEqual(['crm', 'postgres']);
	expect(context.events.some(({ unit, total }) => unit === 'bytes' && (total ?? 0) > 20_000_000)).toBe(true);
	// An event at its end is never throttled: beyond the estimate there must be no total.
	expect(context.events.every(({ done, total }) => total === undefined || (done ?? 0) < total)).toBe(true);
	await context.remove();

	const target = await folderForServer();
	const { data, output } = await followInstructions(root, manifest.id, target, server.serverFolder);
	expect(output).toContain('backup successfully verified');
	const restored = await startOn(data, server);
	try {
		expect(differences(await snapshotContents(server, 'crm'), await snapshotContents(restored.server, 'crm'))).toEqual([]);
		const [row] = await restored.server.query<{ place: string }>(`SELECT pg_tablespace_location(oid) AS place FROM pg_tablespace WHERE spcname = 'fast'`);
		expect(row?.place).toMatch(target);
	} finally {
		await restored.stop();
		await rm(target, { recursive: true, force: true });
	}
});
