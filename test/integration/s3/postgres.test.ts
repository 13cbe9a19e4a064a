import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runJob } from '../../../lib/jobs/run-job';
import type { StoreLocation } from '../../../lib/storage/location';
import { createCrmDatabase } from '../../support/crm-database';
import { snapshotContents } from '../../support/database-contents';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, s3Location } from '../../support/s3-store';

const run = promisify(execFile);
const built = (...path: string[]) => join(__dirname, '../../../dist', ...path);
const BUCKET = 'production';
const CRM = 'crm';

describeWithS3('a database in S3, with the built package and nothing else', () => {
	let s3: S3Server;
	let server: PostgresServer;
	let store: StoreLocation;
	let folder: string;

	beforeAll(async () => {
		[s3, server] = await Promise.all([startS3(), startPostgres()]);
		await s3.createBucket(BUCKET, { objectLock: true });
		store = s3Location(s3, BUCKET, { prefix: 'crm', objectLock: { mode: 'governance', days: 1 } });
		folder = mkdtempSync(join(tmpdir(), 'backup-recovery-s3-cli-'));
		writeFileSync(join(folder, 'password'), server.password, { mode: 0o600 });
		await createCrmDatabase(server, CRM, 0.05);
		// More than fits into one part.
		await server.query(`CREATE TABLE bulky AS SELECT n, sha512(n::text::bytea) || sha512((n + 1000000)::text::bytea) AS noise FROM generate_series(1, 120000) AS n`, CRM);
	}, 90_000);
	afterAll(async () => {
		await Promise.all([server?.stop(), s3?.stop()]);
		rmSync(folder, { recursive: true, force: true });
	});

	const cli = async (args: string[], environment: NodeJS.ProcessEnv) => {
		const { stdout } = await run(process.execPath, [built('cli/backup-recovery.js'), ...args, '--json'], { env: { PATH: process.env.PATH, ...environment } });
		return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { result: Record<string, unknown> }).result;
	};
	const keys = () => ({ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey });
	const onStore = () => ['--store', `s3://${BUCKET}/crm`, '--endpoint', s3.endpoint, '--path-style'];

	test('is dumped, verified, restored by the command line, and equal', async () => {
		const options = { workerModule: built('lib/jobs/worker.js') };
		expect(await runJob<'store.test'>({ kind: 'store.test', store }, options)).toEqual({ store: expect.stringContaining(`s3://${BUCKET}/crm`), freeBytes: null });
		const { backup } = await runJob<'postgres.dumpDatabase'>({ kind: 'postgres.dumpDatabase', connection: server.connection, store, database: CRM, fingerprint: true }, options);
		expect(backup.storedBytes).toBeGreaterThan(8 * 1024 * 1024);

		expect(await cli(['list', ...onStore()], keys())).toMatchObject({ backups: [{ id: backup.id, status: 'success' }] });
		expect(await cli(['verify', ...onStore(), '--level', 'structure'], keys())).toMatchObject({ backup: { verified: { level: 'structure' } } });
		const restored = await cli(
			['restore', ...onStore(), '--database', 'crm_from_s3', '--source', CRM, '--host', server.host, '--port', String(server.port), '--user', server.user, '--password-file', join(folder, 'password')],
			keys(),
		);
		expect((restored.comparison as { equal: boolean; contentEqual: boolean }[]).every(({ equal, contentEqual }) => equal && contentEqual)).toBe(true);
		expect(await snapshotContents(server, 'crm_from_s3')).toEqual(await snapshotContents(server, CRM));
	}, 90_000);

	test('the command line uses the role of the machine where it has no keys, and only then', async () => {
		let asked = 0;
		const metadata: Server = createServer((_request, response) => {
			asked += 1;
			response.setHeader('content-type', 'application/json');
			response.end(JSON.stringify({ AccessKeyId: s3.accessKeyId, SecretAccessKey: s3.secretAccessKey, Token: '', Expiration: new Date(Date.now() + 3_600_000).toISOString() }));
		}).listen(0, '127.0.0.1');
		await once(metadata, 'listening');
		const address = metadata.address();
		const role = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/role` };
		// Keys in a file of whoever runs it are not the machine's.
		writeFileSync(join(folder, 'credentials'), '[default]\naws_access_key_id = wrong\naws_secret_access_key = wrong\n');
		const files = { HOME: folder, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') };
		try {
			expect(await cli(['list', ...onStore()], { ...files, ...role })).toMatchObject({ backups: expect.anything() });
			expect(asked).toBe(1);
			await cli(['list', ...onStore()], { ...files, ...role, ...keys() });
			expect(asked).toBe(1);
		} finally {
			metadata.closeAllConnections();
			metadata.close();
		}
	}, 30_000);
});
