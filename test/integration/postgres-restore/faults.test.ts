import { spawn } from 'node:child_process';
import fs, { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import type { StatsFs } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Manifest } from '../../../lib/catalog/manifest';
import { manifestKey } from '../../../lib/catalog/layout';
import { sealManifest } from '../../../lib/catalog/manifest-digest';
import { dumpGlobals } from '../../../lib/postgres/dump-globals';
import { restoreDatabase } from '../../../lib/postgres/restore/restore-database';
import { markComment } from '../../../lib/postgres/restore/marker';
import { few } from '../../support/breadth';
import { failure } from '../../support/failure';
import { type RestoreFixture, startFixture } from './restore-fixture';

jest.setTimeout(60_000);

const target = { mode: 'new', database: 'restored' } as const;
const swap = { mode: 'swap', database: 'crm' } as const;
let fixture: RestoreFixture;
let backup: Manifest;

beforeAll(async () => {
	fixture = await startFixture();
	const { server } = fixture;
	await server.query(`CREATE ROLE crm_owner LOGIN PASSWORD 'first'`);
	await server.query('CREATE DATABASE crm OWNER crm_owner');
	await server.query(`CREATE EXTENSION citext; CREATE TABLE deals (id int PRIMARY KEY, name citext); INSERT INTO deals SELECT g, md5(g::text) || repeat(md5((-g)::text), 20) FROM generate_series(1, 4000) g; ALTER TABLE deals OWNER TO crm_owner`, 'crm');
	backup = await fixture.dump('crm', { fingerprint: true });
});
afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(async () => {
	await fixture.end();
	expect(await fixture.databases()).toEqual(['crm']);
	expect(await fixture.server.query('SELECT count(*)::int AS rows FROM deals', 'crm')).toEqual([{ rows: 4000 }]);
});

const dumpPath = (manifest = backup) => join(fixture.folderOf(manifest), 'database.dump.zst');

/** Damages the artifact for the time of `body`. */
async function withDamage(damage: (path: string) => Promise<void>, body: () => Promise<void>): Promise<void> {
	const kept = join(fixture.root, 'kept');
	await copyFile(dumpPath(), kept);
	try {
		await damage(dumpPath());
		await body();
	} finally {
		await copyFile(kept, dumpPath());
		await rm(kept);
	}
}

/** Writes a changed manifest, with a digest that fits, under an id of its own. */
async function withManifest(change: (manifest: Manifest) => void, body: (manifest: Manifest) => Promise<void>): Promise<void> {
	const changed = JSON.parse(JSON.stringify(backup)) as Manifest;
	changed.id = backup.id.replace(/.{6}$/, 'zzzzzz');
	change(changed);
	const sealed = sealManifest(changed);
	const folder = fixture.folderOf(sealed);
	await mkdir(folder, { recursive: true });
	for (const artifact of sealed.artifacts) await copyFile(join(fixture.folderOf(backup), artifact.name), join(folder, artifact.name));
	await writeFile(join(fixture.root, manifestKey('postgres', sealed.id)), JSON.stringify(sealed));
	try {
		await body(sealed);
	} finally {
		await rm(folder, { recursive: true });
	}
}

describe('a damaged dump', () => {
	const damages: Array<[string, (path: string) => Promise<void>]> = [
		['cut off', (path) => truncate(path, 40_000)],
		['cut off by one byte', (path) => truncate(path, backup.artifacts[0]?.storedBytes ? backup.artifacts[0].storedBytes - 1 : 0)],
		['empty', (path) => truncate(path, 0)],
		['missing', (path) => rm(path)],
		['with one flipped bit', async (path) => {
			const bytes = await readFile(path);
			bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] as number) ^ 1;
			await writeFile(path, bytes);
		}],
		['of another backup, of the same length', async (path) => writeFile(path, Buffer.alloc(backup.artifacts[0]?.storedBytes ?? 0, 7))],
	];
	it.each(few(damages, 3))('(%s) is not restored, streamed or spooled', async (_what, damage) => {
		await withDamage(damage, async () => {
			for (const parallelJobs of [1, 2]) {
				expect((await failure(fixture.restore(backup, target, { parallelJobs }))).toJSON()).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining(backup.id), hint: expect.stringMatching(/another/i) });
			}
		});
	});

	it('never reaches an existing database', async () => {
		await fixture.server.createDatabase('existing');
		await withDamage((path) => truncate(path, 40_000), async () => {
			expect((await failure(fixture.restore(backup, { mode: 'existing', database: 'existing' }, { confirmation: 'existing', parallelJobs: 1 }))).code).toBe('ARTIFACT_DAMAGED');
		});
		expect(await fixture.server.query(`SELECT FROM pg_class WHERE relname = 'deals'`, 'existing')).toEqual([]);
		await fixture.server.query('DROP DATABASE existing');
	});
});

describe('a target that cannot take the backup', () => {
	it('lacks an extension', async () => {
		await withManifest((manifest) => manifest.postgres?.settings?.extensions.push({ name: 'postgis', version: '3.3', schema: 'public' }), async (manifest) => {
			expect((await failure(fixture.restore(manifest, target))).toJSON()).toMatchObject({ code: 'EXTENSION_MISSING', message: expect.stringContaining('postgis 3.3'), hint: expect.stringMatching(/apt-get install postgresql-\d+-postgis-3/) });
		});
	});

	it('has an extension in another version: a warning', async () => {
		await withManifest((manifest) => Object.assign(manifest.postgres?.settings?.extensions.find((extension) => extension.name === 'citext') ?? {}, { version: '0.9' }), async (manifest) => {
			const { checks } = await fixture.restore(manifest, target, { dryRun: true });
			expect(checks).toContainEqual(expect.objectContaining({ check: 'Extensions', state: 'warning', detail: expect.stringContaining('citext (0.9') }));
		});
	});

	it('is older than the server that was backed up', async () => {
		await withManifest((manifest) => Object.assign(manifest.source, { serverMajor: 99, serverVersion: '99.1' }), async (manifest) => {
			expect((await failure(fixture.restore(manifest, target))).toJSON()).toMatchObject({ code: 'SERVER_VERSION', message: expect.stringContaining('99.1') });
		});
	});

	it('does not have the locale', async () => {
		await withManifest((manifest) => Object.assign(manifest.postgres?.settings ?? {}, { collate: 'xx_XX.UTF-8', ctype: 'xx_XX.UTF-8' }), async (manifest) => {
			expect((await failure(fixture.restore(manifest, target))).toJSON()).toMatchObject({ code: 'RESTORE_FAILED', message: expect.stringContaining('xx_XX.UTF-8'), hint: expect.stringContaining('locales-all') });
		});
	});

	it('has too little space for temporary files, and none is needed without parallel jobs', async () => {
		const free = jest.spyOn(fs, 'statfs').mockResolvedValue({ bavail: 250, bsize: 4096 } as StatsFs);
		try {
			expect((await failure(fixture.restore(backup, target))).toJSON()).toMatchObject({ code: 'NO_SPACE', hint: expect.stringContaining('one parallel job') });
		} finally {
			free.mockRestore();
		}
	});

	it('does not let this role create databases', async () => {
		await fixture.server.query(`CREATE ROLE poor LOGIN PASSWORD 'p'`);
		const connection = { ...fixture.server.connection, user: 'poor', password: 'p' };
		expect((await failure(fixture.restore(backup, target, { connection }))).code).toBe('PERMISSION_DENIED');
		await fixture.server.query('DROP ROLE poor');
	});

	it('asks for a verified backup', async () => {
		expect((await failure(fixture.restore(backup, target, { minimumVerification: 'checksum' }))).toJSON()).toMatchObject({ code: 'NOT_VERIFIED', message: expect.stringContaining('"checksum"') });
	});
});

describe('contents that differ from the proof', () => {
	it.each(few<[string, (manifest: Manifest) => void, string]>([
		['rows', (manifest: Manifest) => Object.assign(manifest.postgres?.proof?.tables[0] ?? {}, { rows: 3_999 }), 'has 4000 rows instead of 3999'],
		['contents', (manifest: Manifest) => Object.assign(manifest.postgres?.proof?.tables[0] ?? {}, { fingerprint: 'x' }), 'other contents'],
		['a table', (manifest: Manifest) => manifest.postgres?.proof?.tables.push({ schema: 'public', name: 'lost', rows: 1 }), '"public.lost" is missing'],
		['large objects', (manifest: Manifest) => Object.assign(manifest.postgres?.proof ?? {}, { largeObjects: { count: 3 } }), '0 large objects instead of 3'],
		['objects', (manifest: Manifest) => Object.assign(manifest.postgres?.proof?.objects ?? {}, { trigger: 5 }), '"trigger" is 0 instead of 5'],
	], 2))('in %s leave the live database untouched', async (_what, change, message) => {
		await withManifest(change, async (manifest) => {
			expect((await failure(fixture.restore(manifest, swap, { confirmation: 'crm' }))).toJSON()).toMatchObject({ code: 'PROOF_MISMATCH', message: expect.stringContaining(message) });
		});
	});
});

describe('missing roles', () => {
	it('are named; with a globals backup they are created, and those that exist stay as they are', async () => {
		const { server } = fixture;
		await server.query(`CREATE ROLE "lost's; role" LOGIN PASSWORD 'secret' CONNECTION LIMIT 3; CREATE ROLE readers; GRANT readers TO "lost's; role" WITH ADMIN OPTION; ALTER ROLE "lost's; role" SET work_mem TO '7MB'; COMMENT ON ROLE readers IS 'who; reads'`);
		await server.query(`CREATE TABLE extra (a int); GRANT SELECT ON extra TO "lost's; role"`, 'crm');
		const manifest = await fixture.dump('crm');
		const globals = await dumpGlobals({ connection: server.connection, rolePasswords: true, allowUnencrypted: true, compressionLevel: 1, lockWaitSeconds: 0 }, fixture.store, fixture.context);
		await server.query('DROP TABLE extra', 'crm');
		const before = await server.query(`SELECT * FROM pg_authid WHERE rolname = 'lost''s; role'`);
		await server.query(`DROP ROLE "lost's; role"; DROP ROLE readers; ALTER ROLE crm_owner PASSWORD 'second' CREATEDB`);
		const owner = await server.query(`SELECT * FROM pg_authid WHERE rolname = 'crm_owner'`);

		expect((await failure(fixture.restore(manifest, target))).toJSON()).toMatchObject({ code: 'ROLE_MISSING', message: expect.stringContaining(`"lost's; role"`) });
		const result = await fixture.restore(manifest, target, { globals: { by: 'id', id: globals.id } });
		expect(result.steps.map((step) => step.step)).toContain('Create missing roles');
		const after = await server.query(`SELECT * FROM pg_authid WHERE rolname = 'lost''s; role'`);
		expect({ ...after[0], oid: 0 }).toEqual({ ...before[0], oid: 0 });
		expect(await server.query(`SELECT * FROM pg_authid WHERE rolname = 'crm_owner'`)).toEqual(owner);
		expect(await server.query(`SELECT admin_option FROM pg_auth_members WHERE member = '"lost''s; role"'::regrole`)).toEqual([{ admin_option: true }]);
		expect(await server.query(`SELECT setconfig FROM pg_db_role_setting WHERE setrole = '"lost''s; role"'::regrole`)).toEqual([{ setconfig: ['work_mem=7MB'] }]);
		await server.query('DROP DATABASE restored');
		await server.query(`DROP ROLE "lost's; role"; DROP ROLE readers`);
	});
});

describe('a run that ends half way', () => {
	it('by a cancel leaves no database, session, process or file', async () => {
		for (const parallelJobs of [1, 2]) {
			for (const step of few(['Create the database', 'Restore the dump', 'Restoring into', 'Analyze', 'Compare with the proof', 'Give it its name'], 2)) {
				const controller = new AbortController();
				const context = { ...fixture.context, signal: controller.signal, progress: (event: { step: string }) => void (event.step.startsWith(step) && controller.abort()) };
				const error = await failure(restoreDatabase(fixture.options(backup, target, { parallelJobs }), context));
				expect(`${step}: ${error.code}`).toBe(`${step}: CANCELLED`);
				expect(await fixture.databases()).toEqual(['crm']);
			}
		}
	});

	it('by kill -9 is cleaned up by the next run, but not while it lives', async () => {
		const script = join(fixture.root, 'job.json');
		await writeFile(script, JSON.stringify({ ...fixture.options(backup, target), store: undefined, root: fixture.root }), { mode: 0o600 });
		const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'hanging-restore.ts'), script], { stdio: ['ignore', 'pipe', 'inherit'], cwd: process.cwd(), env: { ...process.env, TMPDIR: fixture.root } });
		await new Promise<void>((resolve) => child.stdout.on('data', (data: Buffer) => data.includes('hanging') && resolve()));
		const left = (await fixture.databases()).filter((name) => name !== 'crm');
		expect(left).toEqual([expect.stringMatching(/^restored_restore_\d{8}t\d{6}z_[0-9a-f]{16}$/)]);

		await fixture.restore(backup, { mode: 'new', database: 'other' });
		expect(await fixture.databases()).toEqual(['crm', 'other', ...left]);
		await fixture.server.query('DROP DATABASE other');

		child.kill('SIGKILL');
		await new Promise((resolve) => child.once('close', resolve));
		while ((await fixture.server.sessions()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
		const result = await fixture.restore(backup, target);
		expect(result.warnings).toContainEqual(expect.stringContaining(left[0] as string));
		expect(await fixture.databases()).toEqual(['crm', 'restored']);
		await fixture.server.query('DROP DATABASE restored');
		await rm(script);
	});

	it('leaves alone what only looks like its own', async () => {
		const { server } = fixture;
		const lookalike = 'crm_restore_20261122t020000z_0123456789abcdef';
		const mark = { version: 1, role: 'scratch', database: 'x', backup: 'y', at: '2026-11-22T02:00:00.000Z', madeBy: 'z', comment: null, connectionLimit: -1 } as const;
		await server.createDatabase(lookalike);
		await server.query('CREATE TABLE precious (a int)', lookalike);
		await server.createDatabase('marked');
		await server.query(`COMMENT ON DATABASE marked IS ${pg.escapeLiteral(markComment(mark))}`);
		const empty = 'crm_restore_20261122t020000z_fedcba9876543210';
		await server.createDatabase(empty);
		await fixture.restore(backup, target);
		expect(await fixture.databases()).toEqual(['crm', lookalike, 'marked', 'restored']);
		for (const name of [lookalike, 'marked', 'restored']) await server.query(`DROP DATABASE ${name}`);
	});
});
