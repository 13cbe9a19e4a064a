import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from '../../../lib/catalog/manifest';
import { withClient } from '../../../lib/postgres/connect';
import { databaseConninfo } from '../../../lib/postgres/conninfo';
import { dumpDatabase, type DumpDatabaseOptions } from '../../../lib/postgres/dump-database';
import { takeProof } from '../../../lib/postgres/proof';
import type { RestoreOptions, RestoreTarget } from '../../../lib/postgres/restore/options';
import { restoreDatabase } from '../../../lib/postgres/restore/restore-database';
import type { RestoreResult } from '../../../lib/postgres/restore/result';
import { openStore } from '../../../lib/storage/open-store';
import type { Store } from '../../../lib/storage/store';
import { type TestContext, testContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { clientProcesses } from '../../support/processes';

const run = promisify(execFile);
const never = new AbortController().signal;

/** A server, a store and the two jobs that fill and empty them. */
export interface RestoreFixture {
	readonly server: PostgresServer;
	readonly root: string;
	readonly store: Store;
	context: TestContext;
	dump(database: string, overrides?: Partial<DumpDatabaseOptions>): Promise<Manifest>;
	restore(manifest: Manifest, target: RestoreTarget, overrides?: Partial<RestoreOptions>): Promise<RestoreResult>;
	options(manifest: Manifest, target: RestoreTarget, overrides?: Partial<RestoreOptions>): RestoreOptions;
	databases(): Promise<string[]>;
	folderOf(manifest: Manifest): string;
	/** Before each test. */
	begin(): Promise<void>;
	/** After each test: nothing may be left behind. */
	end(): Promise<void>;
	close(): Promise<void>;
}

export async function startFixture(settings?: Parameters<typeof startPostgres>[0]): Promise<RestoreFixture> {
	const server = await startPostgres(settings);
	const root = await mkdtemp(join(tmpdir(), 'backup-recovery-store-'));
	const outer = await testContext();
	const store = openStore({ type: 'folder', path: root, prefix: '' }, outer);
	const fixture: RestoreFixture = {
		server,
		root,
		store,
		context: outer,
		dump: (database, overrides = {}) =>
			dumpDatabase(
				{
					connection: server.connection,
					database,
					format: 'custom',
					parallelJobs: 1,
					includeSchemas: [],
					excludeSchemas: [],
					includeTables: [],
					excludeTables: [],
					fingerprint: true,
					compressionLevel: 1,
					lockWaitSeconds: 0,
					...overrides,
				},
				store,
				fixture.context,
			),
		options: (manifest, target, overrides = {}) => ({
			store,
			connection: server.connection,
			backup: { by: 'id', id: manifest.id },
			target,
			parallelJobs: 2,
			minimumVerification: 'none',
			globals: null,
			dryRun: false,
			confirmation: '',
			allowN8nDatabase: false,
			lockWaitSeconds: 0,
			...overrides,
		}),
		restore: async (manifest, target, overrides = {}) => await restoreDatabase(fixture.options(manifest, target, overrides), fixture.context),
		databases: async () => (await server.query<{ name: string }>(`SELECT datname AS name FROM pg_database WHERE datname <> ALL ('{postgres,template0,template1}') ORDER BY datname COLLATE "C"`)).map((row) => row.name),
		folderOf: (manifest) => join(root, 'backups', 'postgres', manifest.id),
		begin: async () => void (fixture.context = await testContext()),
		end: async () => {
			expect(await server.sessions()).toEqual([]);
			expect(clientProcesses(server.port)).toEqual([]);
			expect(await readdir(fixture.context.workFolder)).toEqual([]);
			await fixture.context.remove();
		},
		close: async () => {
			await outer.remove();
			await rm(root, { recursive: true, force: true });
			await server.stop();
		},
	};
	return fixture;
}

/** Rows and fingerprints of a database, without the moment at which they were taken. */
export async function proofOf(server: PostgresServer, database: string) {
	const options = { database, signal: never, applicationName: 'proof' };
	const proof = await withClient(server.connection, options, (client) => takeProof(client, { fingerprint: true, signal: never, progress: () => undefined }));
	return { ...proof, takenAt: '' };
}

/** What `pg_dump --schema-only --create` says of a database, its own name left out. */
export async function schemaOf(server: PostgresServer, database: string, ...options: string[]): Promise<string> {
	const args = ['--schema-only', ...options, '-h', server.host, '-p', String(server.port), '-U', server.user, '-d', databaseConninfo(database)];
	const { stdout } = await run(join(server.serverFolder, 'pg_dump'), args, { env: { PGPASSWORD: server.password }, maxBuffer: 1e8 });
	return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
