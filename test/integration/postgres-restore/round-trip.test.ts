import { escapeIdentifier } from 'pg';
import type { Manifest } from '../../../lib/catalog/manifest';
import { readDatabaseSettings } from '../../../lib/postgres/database-settings';
import { withClient } from '../../../lib/postgres/connect';
import { snapshotContents } from '../../support/database-contents';
import { failure } from '../../support/failure';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { few } from '../../support/breadth';
import { proofOf, type RestoreFixture, schemaOf, startFixture } from './restore-fixture';

const NEW = `new "db's"; $x = é 🐘`;
const never = new AbortController().signal;
let fixture: RestoreFixture;
let custom: Manifest;
let directory: Manifest;

beforeAll(async () => {
	fixture = await startFixture();
	await createHostileDatabase(fixture.server);
	custom = await fixture.dump(HOSTILE.database);
	directory = await fixture.dump(HOSTILE.database, { format: 'directory', parallelJobs: 2 });
}, 60_000);

afterAll(() => fixture?.close());
beforeEach(() => fixture.begin());
afterEach(() => fixture.end());

async function settingsOf(database: string) {
	const settings = await withClient(fixture.server.connection, { database, signal: never, applicationName: 'settings' }, readDatabaseSettings);
	return { ...settings, name: '', databaseBytes: 0 };
}

async function expectEqual(database: string, original: string = HOSTILE.database): Promise<void> {
	expect(await proofOf(fixture.server, database)).toEqual(await proofOf(fixture.server, original));
	expect(await snapshotContents(fixture.server, database)).toEqual(await snapshotContents(fixture.server, original));
	expect(await schemaOf(fixture.server, database)).toBe(await schemaOf(fixture.server, original));
}

describe('a restore into a new database', () => {
	it.each(few([
		['custom', 1],
		['custom', 3],
		['directory', 1],
		['directory', 2],
	] as const, 2))(
		'brings back schema, contents and settings of a database in which everything is hostile (%s, %i jobs)',
		async (format, parallelJobs) => {
			const before = await fixture.databases();
			const result = await fixture.restore(format === 'custom' ? custom : directory, { mode: 'new', database: NEW }, { parallelJobs });
			try {
				expect(result).toMatchObject({ dryRun: false, database: NEW, previousDatabase: null, outageMilliseconds: null, plan: [], warnings: [] });
				expect(result.comparison).toHaveLength(custom.postgres?.proof?.tables.length ?? -1);
				expect(result.comparison.every((table) => table.equal && table.contentEqual === true)).toBe(true);
				expect(result.steps.map((step) => step.step)).toEqual(['Find the backup', 'Check', 'Create the database', 'Restore the dump', 'Analyze', 'Compare with the proof', 'Restore the settings of the database', 'Give it its name']);
				await expectEqual(NEW);
				expect(await settingsOf(NEW)).toEqual(await settingsOf(HOSTILE.database));
				expect(await fixture.databases()).toEqual([...before, NEW].sort());
			} finally {
				await fixture.server.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(NEW)}`);
			}
		},
		60_000,
	);

	it('refuses a name that is taken, one that PostgreSQL would cut off, and one of its own', async () => {
		const before = await fixture.databases();
		expect((await failure(fixture.restore(custom, { mode: 'new', database: HOSTILE.database }))).toJSON()).toMatchObject({ code: 'DATABASE_EXISTS', hint: expect.stringContaining('Swap') });
		expect((await failure(fixture.restore(custom, { mode: 'new', database: '🐘'.repeat(16) }))).code).toBe('INVALID_INPUT');
		expect((await failure(fixture.restore(custom, { mode: 'new', database: 'template0' }))).code).toBe('INVALID_INPUT');
		expect(await fixture.databases()).toEqual(before);
	});

	it('shows its plan and its checks in a dry run, and changes nothing', async () => {
		const before = await fixture.databases();
		const result = await fixture.restore(custom, { mode: 'new', database: NEW }, { dryRun: true });
		expect(result).toMatchObject({ dryRun: true, comparison: [], outageMilliseconds: null, previousDatabase: null });
		expect(result.plan.join('\n')).toContain(custom.id);
		expect(result.checks.filter((check) => check.state === 'failed')).toEqual([]);
		expect(await fixture.databases()).toEqual(before);
		const taken = await fixture.restore(custom, { mode: 'new', database: HOSTILE.database }, { dryRun: true });
		expect(taken.checks.filter((check) => check.state === 'failed').map((check) => check.check)).toEqual(['Database is new']);
	});
});

describe('a restore into an existing empty database', () => {
	const EMPTY = `empty = 'db"`;

	afterEach(() => fixture.server.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(EMPTY)}`));

	it.each([1, 2])('fills it (%i jobs)', async (parallelJobs) => {
		await fixture.server.createDatabase(EMPTY);
		const result = await fixture.restore(custom, { mode: 'existing', database: EMPTY }, { confirmation: EMPTY, parallelJobs });
		expect(result.comparison.every((table) => table.equal)).toBe(true);
		await expectEqual(EMPTY);
	}, 60_000);

	it('refuses one that is not there, is not empty, is in use, or was not confirmed', async () => {
		const target = { mode: 'existing', database: EMPTY } as const;
		expect((await failure(fixture.restore(custom, target, { confirmation: EMPTY }))).code).toBe('DATABASE_NOT_FOUND');
		await fixture.server.createDatabase(EMPTY);
		expect((await failure(fixture.restore(custom, target, { confirmation: 'empty' }))).code).toBe('NOT_CONFIRMED');
		await withClient(fixture.server.connection, { database: EMPTY, signal: never, applicationName: 'someone' }, async () => {
			expect((await failure(fixture.restore(custom, target, { confirmation: EMPTY }))).toJSON()).toMatchObject({ code: 'DATABASE_IN_USE', message: expect.stringContaining('someone (postgres)') });
		});
		await fixture.server.query('CREATE TABLE mine (a int)', EMPTY);
		expect((await failure(fixture.restore(custom, target, { confirmation: EMPTY }))).toJSON()).toMatchObject({ code: 'DATABASE_NOT_EMPTY', message: expect.stringContaining('public.mine') });
		await fixture.server.query('DROP TABLE mine; SELECT lo_create(77)', EMPTY);
		expect((await failure(fixture.restore(custom, target, { confirmation: EMPTY }))).code).toBe('DATABASE_NOT_EMPTY');
	});
});

describe('a restore of chosen tables and schemas', () => {
	it.each([
		['tables', { includeTables: [{ schema: HOSTILE.schema, name: HOSTILE.table }, { schema: 'public', name: 'lines' }] }],
		['a schema', { includeSchemas: [HOSTILE.schema] }],
		['the schema public', { includeSchemas: ['public', HOSTILE.schema], excludeTables: [{ schema: 'public', name: 'remote' }] }],
	])('brings %s back into a database of their own', async (_what, selection) => {
		const manifest = await fixture.dump(HOSTILE.database, selection);
		expect(manifest.kind).toBe('partial');
		try {
			const result = await fixture.restore(manifest, { mode: 'new', database: NEW });
			expect(result.comparison.length).toBeGreaterThan(0);
			expect(result.comparison.every((table) => table.equal)).toBe(true);
		} finally {
			await fixture.server.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(NEW)}`);
		}
	}, 60_000);
});
