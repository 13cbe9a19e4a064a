import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBaseBackup } from '../../../lib/postgres/basebackup/take-base-backup';
import { recover } from '../../../lib/postgres/recovery/recover';
import { stopRecovered } from '../../../lib/postgres/recovery/stop-recovered';
import { archiveWal } from '../../../lib/postgres/wal/archive-wal';
import { type AgePair, keysOf, newAgePair } from '../../support/age';
import { serverClock } from '../../support/archived-server';
import { testContext, type TestContext } from '../../support/job-context';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { queryRecovered } from '../../support/recovered-server';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, s3Location, s3Store } from '../../support/s3-store';
import { STREAMED_SERVER } from '../../support/wal-archive';

const BUCKET = 'recovery';

describeWithS3('encrypted, in a bucket with Object Lock', () => {
	let bucket: S3Server;
	let server: PostgresServer;
	let context: TestContext;
	let root: string;
	let pair: AgePair;
	let target: string;

	beforeAll(async () => {
		[bucket, server] = await Promise.all([startS3(), startPostgres({ settings: STREAMED_SERVER })]);
		await bucket.createBucket(BUCKET, { objectLock: true });
		pair = await newAgePair();
		context = await testContext({ keys: keysOf(pair) });
		root = await mkdtemp(join(tmpdir(), 'backup-recovery-pitr-'));
		// As root the server runs as another user, who must pass through.
		await chmod(root, 0o755);
		await server.query('CREATE TABLE entries (n int PRIMARY KEY)');
	}, 90_000);
	afterAll(async () => {
		await Promise.all([bucket?.stop(), server?.stop(), context?.remove()]);
		await rm(root, { recursive: true, force: true });
	});

	const store = () => s3Store(s3Location(bucket, BUCKET, { objectLock: { mode: 'governance', days: 1 } }));
	const archive = async (keys = context.keys) =>
		await archiveWal({ connection: server.connection, name: '', slotName: 'backup_recovery', switchSegment: true, compressionLevel: 1, lockWaitSeconds: 0 }, store(), { ...context, keys });
	const asked = () => ({
		store: store(),
		base: { by: 'newest' as const },
		target: { by: 'time' as const, time: target },
		inclusive: true,
		timeline: null,
		folder: join(root, 'recovered'),
		destination: { mode: 'startHere' as const, serverFolder: server.serverFolder },
		user: '',
		checkPages: false,
		dryRun: false,
	});

	test('base backup and WAL are archived by whoever has the public key only', async () => {
		const writing = { ...context, keys: { ...context.keys, decryption: null } };
		const options = { mode: 'full', mostIncrementals: 30, whenImpossible: 'full', name: '', checkpoint: 'fast', maxRateKilobytes: null, compressionLevel: 1, lockWaitSeconds: 0 } as const;
		await archive(writing.keys);
		const manifest = await takeBaseBackup({ ...options, connection: server.connection }, store(), writing);
		expect(manifest.artifacts.filter(({ role }) => role !== 'instructions').every(({ encryption }) => encryption?.to === 'recipients')).toBe(true);
		await server.query('INSERT INTO entries SELECT generate_series(1, 1000)');
		target = await serverClock(server);
		await server.query('DELETE FROM entries');
		expect(await archive(writing.keys)).toMatchObject({ gaps: [] });
	}, 60_000);

	test('without the secret key nothing is laid out; with it the rows of before are back', async () => {
		await expect(recover(asked(), { ...context, keys: { ...context.keys, decryption: null } })).rejects.toMatchObject({ code: 'KEY_MISSING' });
		const result = await recover(asked(), context);
		try {
			expect(await queryRecovered(result, 'SELECT count(*)::int AS rows FROM entries')).toEqual([{ rows: 1000 }]);
		} finally {
			await stopRecovered({ folder: result.folder, remove: true }, context);
		}
	}, 60_000);
});
