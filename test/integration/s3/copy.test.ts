import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { listBackups } from '../../../lib/catalog/list-backups';
import { listRecoveryPoints } from '../../../lib/catalog/list-recovery-points';
import { copyBackups, type CopySelection } from '../../../lib/copy/copy-backups';
import { recordRecoveryPoint } from '../../../lib/recovery/record';
import { FolderStore } from '../../../lib/storage/folder-store';
import type { Store } from '../../../lib/storage/store';
import { FilesFixture, readTree, treeDifferences } from '../../support/file-trees';
import { testContext, type TestContext } from '../../support/job-context';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, s3Location, s3Store } from '../../support/s3-store';

jest.setTimeout(60_000);
const MISSING: CopySelection = { what: 'missing' };

describeWithS3('copies between folders and buckets of a real S3 server', () => {
	let server: S3Server;
	let files: FilesFixture;
	let first: Store;
	let context: TestContext;

	beforeAll(async () => {
		server = await startS3();
		await server.createBucket('plain');
		await server.createBucket('locked', { objectLock: true });
	}, 60_000);
	afterAll(() => server?.stop());

	beforeEach(async () => {
		const { base } = await FilesFixture.make();
		first = await folderStore(`${base}/first`);
		files = Object.assign(await FilesFixture.make(first), { base });
		context = await testContext();
		await mkdir(files.path('uploads'));
		await writeFile(`${files.path('uploads')}/large.bin`, randomBytes(12_000_000));
		await writeFile(`${files.path('uploads')}/small.txt`, 'one');
	});
	afterEach(async () => {
		await context.remove();
		await files.remove();
	});

	const folderStore = async (root: string): Promise<Store> => {
		await mkdir(root, { recursive: true });
		return new FolderStore({ root, randomBytes: (bytes) => randomBytes(bytes) });
	};
	const copy = async (source: Store, target: Store, selection: CopySelection = MISSING) => await copyBackups({ source, target, recheck: false, lockWaitSeconds: 0 }, selection, context);

	test('disk, bucket, bucket with Object Lock, and back to a new disk: what is restored is the same', async () => {
		await files.archive(files.path('uploads'));
		await writeFile(`${files.path('uploads')}/small.txt`, 'changed');
		const incremental = await files.archive(files.path('uploads'), { mode: 'incremental' });
		const members = [{ component: 'files' as const, id: incremental.id }];
		await recordRecoveryPoint(first, { name: 'weekly', members, since: null, failures: [], expected: [], failWhenIncomplete: true }, context);
		const bucket = s3Store(s3Location(server, 'plain', { prefix: 'round-trip' }));
		const locked = s3Store(s3Location(server, 'locked', { prefix: 'round-trip', objectLock: { mode: 'governance', days: 1 } }));
		const point: CopySelection = { what: 'recoveryPoint', recoveryPoint: { by: 'latest' } };
		expect((await copy(first, bucket, point)).copies).toHaveLength(2);
		expect((await copy(first, locked, point)).copies).toHaveLength(2);
		expect((await copy(first, bucket)).copies.map(({ outcome }) => outcome)).toEqual(['present', 'present']);
		const known = (await listBackups(first))[0]?.copies.map(({ store }) => store);
		expect(known).toEqual([bucket.description, locked.description]);
		expect(JSON.stringify(known)).not.toContain(server.secretAccessKey);

		await rm(files.path('first'), { recursive: true });
		const fresh = await folderStore(files.path('fresh'));
		await copy(locked, fresh, point);
		expect(await listRecoveryPoints(fresh)).toMatchObject([{ name: 'weekly', complete: true }]);
		await files.restore(files.path('restored'), { store: fresh });
		expect(treeDifferences(await readTree(files.path('restored')), await readTree(files.path('uploads')))).toEqual([]);
	});

	test('a copy that is stopped in the middle of an upload leaves nothing to see in the bucket, and is finished by the next', async () => {
		const manifest = await files.archive(files.path('uploads'));
		const bucket = s3Store(s3Location(server, 'plain', { prefix: 'stopped' }));
		const stopping = await testContext({ progress: ({ step, done = 0 }) => void (step.startsWith('Copying') && done > 4_000_000 && stopping.abort()) });
		await expect(copyBackups({ source: first, target: bucket, recheck: false, lockWaitSeconds: 0 }, MISSING, stopping)).rejects.toMatchObject({ code: 'CANCELLED' });
		await stopping.remove();
		expect(await listBackups(bucket)).toEqual([]);
		expect((await copy(first, bucket)).copies).toMatchObject([{ outcome: 'copied' }]);
		expect(await listBackups(bucket)).toMatchObject([{ id: manifest.id, status: 'success' }]);
	});
});
