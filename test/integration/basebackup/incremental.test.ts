import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../lib/catalog/manifest';
import { type BaseBackupOptions, takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { openStore } from '../../../lib/storage/open-store';
import { few } from '../../support/breadth';
import { differences, snapshotContents } from '../../support/database-contents';
import { newAgePair } from '../../support/age';
import { failure } from '../../support/failure';
import { testContext } from '../../support/job-context';
import { until } from '../../support/until';
import { folderForServer, followInstructions, serverUser, startOn } from '../../support/physical-restore';
import type { PostgresServer } from '../../support/postgres-server';
import { describeWithPostgres, startMajor, toolsFolder } from '../../support/postgres-versions';

jest.setTimeout(60_000);

const DEFAULTS = { mode: 'incremental', mostIncrementals: 3, whenImpossible: 'full', name: 'main', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;

describeWithPostgres(few([17, 18] as const, 1), (major: 17 | 18) => {
	let server: PostgresServer;
	let root: string;
	let space: string;
	beforeAll(async () => (server = await startMajor(major, { settings: { wal_level: 'replica', max_wal_senders: '5' } })), 60_000);
	beforeAll(async () => await summarize('on'));
	beforeAll(async () => (space = await folderForServer()));
	afterAll(async () => {
		await server?.stop();
		await rm(space, { recursive: true, force: true });
	});
	beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'))));
	afterEach(async () => await rm(root, { recursive: true, force: true }));

	async function spacePlace(): Promise<string> {
		const place = join(space, 'data');
		await mkdir(place);
		const owner = await serverUser();
		if (owner) await chown(place, owner.uid, owner.gid);
		return place;
	}

	async function summarize(state: 'on' | 'off'): Promise<void> {
		await server.query(`ALTER SYSTEM SET summarize_wal = ${state}`);
		await server.query('SELECT pg_reload_conf()');
		await until(`summarize_wal is ${state}`, async () => (await server.query<{ state: string }>(`SELECT current_setting('summarize_wal') AS state`))[0]?.state === state);
	}

	async function take(options: Partial<BaseBackupOptions> = {}, overrides: Parameters<typeof testContext>[0] = {}): Promise<Manifest> {
		const context = await testContext(overrides);
		try {
			return await takeBaseBackup({ ...DEFAULTS, connection: server.connection, ...options }, openStore({ type: 'folder', path: root, prefix: '' }, context), context);
		} finally {
			await context.remove();
		}
	}

	test('the first is full, then what changed, then full again when there are enough', async () => {
		await server.query(`CREATE TABLESPACE fast LOCATION '${await spacePlace()}'`);
		await server.query(`CREATE TABLE elsewhere (id int) TABLESPACE fast; INSERT INTO elsewhere VALUES (1); CREATE TABLE deals AS SELECT g AS id, repeat(md5(g::text), 10) AS body FROM generate_series(1, 50000) g`);
		const full = await take();
		expect(full).toMatchObject({ kind: 'base', parent: null, warnings: [] });
		let parent = full;
		for (const id of [1, 2, 3]) {
			await server.query(`UPDATE deals SET body = 'changed' WHERE id = ${id * 1000}; INSERT INTO elsewhere VALUES (${id})`);
			const next = await take();
			expect(next).toMatchObject({ kind: 'incremental', parent: parent.id, warnings: [] });
			expect(next.sourceBytes).toBeLessThan(0.8 * full.sourceBytes);
			parent = next;
		}
		await restoresTo(parent);
		expect(await take()).toMatchObject({ kind: 'base', parent: null, warnings: [] });
	});

	/** By its RESTORE.txt and the stock tools. */
	async function restoresTo({ id }: Manifest): Promise<void> {
		if (toolsFolder(major) === '') return;
		const target = await folderForServer();
		try {
			const { data, output } = await followInstructions(root, id, target, toolsFolder(major));
			expect(output.match(/backup successfully verified/g)).toHaveLength(4);
			const restored = await startOn(data, server);
			try {
				expect(differences(await snapshotContents(server, 'postgres'), await snapshotContents(restored.server, 'postgres'))).toEqual([]);
			} finally {
				await restored.stop();
			}
		} finally {
			await rm(target, { recursive: true, force: true });
		}
	}

	// The same in both; once is enough.
	const once = major === 18 ? test : test.skip;
	once('without summaries of the WAL it is a full one with a warning, or an error', async () => {
		await take({ mode: 'full' });
		await summarize('off');
		try {
			const full = await take();
			expect(full).toMatchObject({ kind: 'base', parent: null });
			expect(full.warnings[0]).toMatch(/summarize_wal = on/);
			expect(await failure(take({ whenImpossible: 'fail' }))).toMatchObject({ code: 'INCREMENTAL_REFUSED' });
			await server.query('CREATE TABLE IF NOT EXISTS more AS SELECT 1; CHECKPOINT');
		} finally {
			await summarize('on');
		}
	});

	once('after a change of the keys it is a full one, with a warning', async () => {
		const [old, fresh] = [await newAgePair(), await newAgePair()];
		const to = ({ recipient }: { recipient: string }) => ({ keys: { encryption: { to: 'recipients' as const, recipients: [recipient] }, decryption: { identities: [old.identity, fresh.identity] } } });
		await take({ mode: 'full' }, to(old));
		expect((await take({}, to(old))).kind).toBe('incremental');
		expect(await take({}, to(fresh))).toMatchObject({ kind: 'base', warnings: [expect.stringContaining(old.recipient)] });
		expect((await take({}, to(fresh))).kind).toBe('incremental');
	});

	once('a backup of another server is no parent', async () => {
		const other = await startMajor(major, { settings: { wal_level: 'replica', summarize_wal: 'on' } });
		try {
			await take({ mode: 'full', connection: other.connection });
			const full = await take();
			expect(full.kind).toBe('base');
			expect(full.warnings[0]).toMatch(/another server/);
		} finally {
			await other.stop();
		}
	});
});
