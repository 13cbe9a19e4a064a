import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../lib/catalog/manifest';
import type { ProgressEvent } from '../../../lib/core/progress';
import { sealManifest } from '../../../lib/catalog/manifest-digest';
import { readVerification } from '../../../lib/catalog/read-verification';
import { dumpGlobals } from '../../../lib/postgres/dump-globals';
import { restoreDrill, type RestoreDrillOptions } from '../../../lib/verify/restore-drill';
import { verifyIntegrity } from '../../../lib/verify/verify-integrity';
import { publishSmall } from '../../support/backup-fixtures';
import { failure } from '../../support/failure';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { type RestoreFixture, startFixture } from '../postgres-restore/restore-fixture';

jest.setTimeout(90_000);

let fixture: RestoreFixture;

beforeAll(async () => {
	fixture = await startFixture();
	await createHostileDatabase(fixture.server);
});
afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(async () => {
	await fixture.end();
	expect(await fixture.databases()).toEqual([HOSTILE.database]);
});

const integrity = (manifest: Manifest, level: 'checksum' | 'structure') => verifyIntegrity({ store: fixture.store, component: 'postgres', backup: { by: 'id', id: manifest.id }, level, clientFolder: '' }, fixture.context);
const drill = (manifest: Manifest, overrides: Partial<RestoreDrillOptions> = {}) =>
	restoreDrill({ store: fixture.store, component: 'postgres', backup: { by: 'id', id: manifest.id }, connection: fixture.server.connection, parallelJobs: 2, globals: null, ...overrides }, fixture.context);
const checksOf = async (manifest: Manifest) => (await readVerification(fixture.store, 'postgres', manifest.id))?.checks ?? [];
const globalsBackup = () => dumpGlobals({ connection: fixture.server.connection, rolePasswords: true, allowUnencrypted: true, compressionLevel: 1, lockWaitSeconds: 0 }, fixture.store, fixture.context);

describe('a good backup', () => {
	it.each(['custom', 'directory'] as const)('climbs the levels, and the catalog says so (%s)', async (format) => {
		const manifest = await fixture.dump(HOSTILE.database, { format });
		expect(await integrity(manifest, 'checksum')).toMatchObject({ level: 'checksum', passed: true, backup: { verified: { level: 'checksum' } } });
		expect(await integrity(manifest, 'structure')).toMatchObject({ level: 'structure', passed: true, detail: expect.stringContaining('parsed all'), backup: { verified: { level: 'structure' } } });
		const result = await drill(manifest);
		expect(result).toMatchObject({ level: 'restore', passed: true, backup: { id: manifest.id, status: 'success', verified: { level: 'restore' } } });
		expect(result.comparison.length).toBe(manifest.postgres?.proof?.tables.length);
		expect(result.comparison.every((table) => table.equal && table.contentEqual)).toBe(true);
		expect((await checksOf(manifest)).map((check) => `${check.level} ${check.passed}`)).toEqual(['checksum true', 'structure true', 'restore true']);
	});

	it('of globals is parsed; no drill can prove it', async () => {
		const manifest = await globalsBackup();
		expect(await integrity(manifest, 'structure')).toMatchObject({ passed: true, detail: expect.stringMatching(/3 roles/) });
		expect((await failure(drill(manifest))).toJSON()).toMatchObject({ code: 'INVALID_INPUT', hint: expect.stringContaining('Integrity') });
		expect(await checksOf(manifest)).toHaveLength(1);
	});
});

describe('assertions of the user, in the restored database', () => {
	it('are all asked, in a database that is dropped afterwards', async () => {
		const manifest = await fixture.dump(HOSTILE.database);
		const held = await drill(manifest, { assertions: "-- it is the throwaway one\nSELECT current_database() <> 'x' -- no end of line\n\nSELECT n > 0 FROM generate_series(1, 3) AS n;" });
		expect(held.detail).toContain('All 2 assertions in SQL hold.');
		const broken = await failure(drill(manifest, { assertions: '-- one is two\nSELECT 1 = 2\n\nSELECT true WHERE false\n\nSELECT * FROM not_there\n\nCREATE TABLE made (a int)\n\nWITH gone AS (DELETE FROM pg_class RETURNING 1) SELECT true FROM gone\n\n-- true\nSELECT true' }));
		expect(broken.toJSON()).toMatchObject({ code: 'ASSERTION_FAILED', message: expect.stringMatching(/^5 of 6 assertions .*"one is two": it yields false.*yields no row.*not_there.*cannot be run.*cannot be run/) });
		// What the user asserts says nothing about whether the backup restores.
		expect((await checksOf(manifest)).map(({ passed }) => passed)).toEqual([true]);
	});

	it('that hang are ended', async () => {
		const manifest = await fixture.dump(HOSTILE.database);
		expect((await failure(drill(manifest, { assertions: 'SELECT pg_sleep(60) IS NULL', assertionTimeoutSeconds: 0.2 }))).message).toContain('cannot be run');
	});
});

describe('a damaged backup', () => {
	let manifest: Manifest;
	beforeEach(async () => {
		manifest = await fixture.dump(HOSTILE.database);
	});
	const path = () => join(fixture.folderOf(manifest), 'database.dump.zst');

	it.each<[string, () => Promise<void>, string]>([
		['cut off', () => truncate(path(), 1000), 'instead of'],
		['with a flipped bit', async () => {
			const bytes = await readFile(path());
			bytes[1234] = (bytes[1234] as number) ^ 4;
			await writeFile(path(), bytes);
		}, 'is damaged'],
		['with a missing dump', () => rm(path()), 'missing'],
		['with a changed RESTORE.txt', () => writeFile(join(fixture.folderOf(manifest), 'RESTORE.txt'), 'rm -rf /'), 'RESTORE.txt'],
		['with an added file', () => writeFile(join(fixture.folderOf(manifest), 'extra.sql'), 'x'), '"extra.sql"'],
	])('%s is found out, recorded, and never chosen as the latest', async (_what, damage, message) => {
		await damage();
		expect((await failure(integrity(manifest, 'checksum'))).toJSON()).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining(message) });
		expect(await checksOf(manifest)).toEqual([expect.objectContaining({ level: 'checksum', passed: false, detail: expect.stringContaining(message) })]);
		expect((await failure(fixture.restore(manifest, { mode: 'new', database: 'x' }))).code).toBe('ARTIFACT_DAMAGED');
	});

	it('whose bytes are as written but are no dump passes the checksums and fails the parse', async () => {
		const notADump = await publishSmall(fixture.store, { postgres: { format: 'custom', clientVersion: '15.1' } });
		expect(await integrity(notADump, 'checksum')).toMatchObject({ passed: true });
		expect((await failure(integrity(notADump, 'structure'))).toJSON()).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('pg_restore') });
		expect((await checksOf(notADump)).map((check) => `${check.level} ${check.passed}`)).toEqual(['checksum true', 'structure false']);
	});

	it('whose dump lacks a table of the proof fails the parse', async () => {
		const other = JSON.parse(JSON.stringify(manifest)) as Manifest;
		other.postgres?.proof?.tables.push({ schema: 'public', name: 'lost', rows: 0 });
		await writeFile(join(fixture.folderOf(manifest), 'manifest.json'), JSON.stringify(sealManifest(other)));
		expect((await failure(integrity(manifest, 'structure'))).toJSON()).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('"public.lost"') });
	});

	it('fails its drill, and leaves nothing behind', async () => {
		await truncate(path(), 1000);
		for (const parallelJobs of [1, 2]) expect((await failure(drill(manifest, { parallelJobs }))).code).toBe('ARTIFACT_DAMAGED');
		expect((await checksOf(manifest)).map((check) => `${check.level} ${check.passed}`)).toEqual(['restore false', 'restore false']);
	});
});

describe('a drill that could not be done', () => {
	it('says nothing against the backup', async () => {
		const manifest = await fixture.dump(HOSTILE.database);
		const connection = { ...fixture.server.connection, port: 1 };
		expect((await failure(drill(manifest, { connection }))).code).toBe('SERVER_UNREACHABLE');
		const controller = new AbortController();
		const context = { ...fixture.context, signal: controller.signal, progress: (event: ProgressEvent) => void (event.step === 'Analyze' && controller.abort()) };
		const options = { store: fixture.store, component: 'postgres', backup: { by: 'id', id: manifest.id }, connection: fixture.server.connection, parallelJobs: 2, globals: null } as const;
		expect((await failure(restoreDrill(options, context))).code).toBe('CANCELLED');
		expect(await checksOf(manifest)).toEqual([]);
	});

	it('for want of a role works with a globals backup, and takes the role away again', async () => {
		const { server } = fixture;
		await server.query('CREATE ROLE passing');
		await server.query('CREATE TABLE given (a int); ALTER TABLE given OWNER TO passing', HOSTILE.database);
		const manifest = await fixture.dump(HOSTILE.database);
		const globals = await globalsBackup();
		await server.query('DROP TABLE given', HOSTILE.database);
		await server.query('DROP ROLE passing');
		expect((await failure(drill(manifest))).code).toBe('ROLE_MISSING');
		expect(await checksOf(manifest)).toEqual([]);
		expect(await drill(manifest, { globals: { by: 'id', id: globals.id } })).toMatchObject({ passed: true });
		expect(await server.query(`SELECT FROM pg_roles WHERE rolname = 'passing'`)).toEqual([]);
	});
});
