import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeIdentifier } from 'pg';
import { withClient } from '../../../lib/postgres/connect';
import { databaseConninfo } from '../../../lib/postgres/conninfo';
import { dumpDatabase } from '../../../lib/postgres/dump-database';
import { takeProof } from '../../../lib/postgres/proof';
import { openStore } from '../../../lib/storage/open-store';
import { failure } from '../../support/failure';
import { createHostileDatabase, HOSTILE } from '../../support/hostile-database';
import { testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

const run = promisify(execFile);
const never = new AbortController().signal;
const newerFolder = process.env.BACKUP_RECOVERY_TEST_POSTGRES_17 ?? '';
/** npm has the newer server for two processors only; the set-up leaves the variable empty elsewhere. */
const onBothMajors = newerFolder === '' ? describe.skip : describe;
jest.setTimeout(120_000);

onBothMajors('between the server of Debian and PostgreSQL 17', () => {
	let older: PostgresServer;
	let newer: PostgresServer;
	let folder: string;

	beforeAll(async () => {
		[older, newer] = await Promise.all([startPostgres(), startPostgres({ serverFolder: newerFolder })]);
		folder = await mkdtemp(join(tmpdir(), 'backup-recovery-majors-'));
	}, 60_000);
	afterAll(async () => {
		await Promise.all([older?.stop(), newer?.stop()]);
		await rm(folder, { recursive: true, force: true });
	});

	const proofOf = async (server: PostgresServer) => {
		const options = { database: HOSTILE.database, signal: never, applicationName: 'proof' };
		const proof = await withClient(server.connection, options, (client) => takeProof(client, { fingerprint: true, signal: never, progress: () => undefined }));
		return { tables: proof.tables, largeObjects: proof.largeObjects, objects: proof.objects };
	};

	const stock = async (tool: string, server: PostgresServer, ...args: string[]) => {
		const connection = ['-h', server.host, '-p', String(server.port), '-U', server.user];
		await run(join(older.serverFolder, tool), [...connection, ...args], { env: { PGPASSWORD: server.password }, maxBuffer: 1e8 });
	};

	test('fingerprints, row counts and the inventory of a hostile database are the same on both', async () => {
		await createHostileDatabase(older);
		const dump = join(folder, 'hostile.dump');
		await stock('pg_dump', older, '-Fc', '-f', dump, '-d', databaseConninfo(HOSTILE.database));
		for (const role of [HOSTILE.role, 'hostile_reader']) await newer.query(`CREATE ROLE ${escapeIdentifier(role)}`);
		await newer.query(`CREATE DATABASE ${escapeIdentifier(HOSTILE.database)} TEMPLATE template0`);
		await stock('pg_restore', newer, '-d', databaseConninfo(HOSTILE.database), dump);

		const before = await proofOf(older);
		expect(before.tables.length).toBeGreaterThan(15);
		expect(before.tables.every((table) => table.fingerprint !== undefined)).toBe(true);
		expect(await proofOf(newer)).toEqual(before);
	});

	test('a server that is newer than every client on the machine is refused with what to install', async () => {
		const context = await testContext();
		const store = openStore({ type: 'folder', path: folder, prefix: '' }, context);
		const job = {
			connection: { ...newer.connection, clientFolder: older.serverFolder },
			database: 'postgres',
			format: 'custom' as const,
			parallelJobs: 1,
			includeSchemas: [],
			excludeSchemas: [],
			includeTables: [],
			excludeTables: [],
			fingerprint: false,
			compressionLevel: 1,
			lockWaitSeconds: 0,
		};
		const error = await failure(dumpDatabase(job, store, context));
		expect(error.toJSON()).toMatchObject({ code: 'CLIENT_TOO_OLD', message: expect.stringContaining('17'), hint: expect.stringContaining('postgresql-client-17') });
		await context.remove();
	});
});
