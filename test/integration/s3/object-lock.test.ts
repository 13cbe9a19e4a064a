import { DeleteObjectCommand, GetObjectRetentionCommand } from '@aws-sdk/client-s3';
import { publishBackup } from '../../../lib/backup/publish';
import { copyBackup } from '../../../lib/copy/copy-backup';
import { readLockStates } from '../../../lib/catalog/lock-state';
import { listBackups } from '../../../lib/catalog/list-backups';
import type { Manifest } from '../../../lib/catalog/manifest';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { prune } from '../../../lib/retention/prune';
import type { Store } from '../../../lib/storage/store';
import { SOURCE } from '../../support/backup-fixtures';
import { all, chunks, collect } from '../../support/bytes';
import { failure } from '../../support/failure';
import { type TestContext, testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { type S3Proxy, startS3Proxy } from '../../support/s3-proxy';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, QUICK, s3Location, s3Store } from '../../support/s3-store';

const LOCKED = 'with-lock';
const PLAIN = 'without-lock';
const DAY = 86_400_000;
const MIB = 1024 * 1024;
const never = new AbortController().signal;

describeWithS3('Object Lock', () => {
	let server: S3Server;
	let proxy: S3Proxy;
	let context: TestContext;
	let tests = 0;
	let prefix: string;

	beforeAll(async () => {
		server = await startS3({ smallestPart: MIB / 4 });
		proxy = await startS3Proxy(server);
		await server.createBucket(LOCKED, { objectLock: true });
		await server.createBucket(PLAIN);
	}, 60_000);
	afterAll(async () => {
		await proxy?.stop();
		await server?.stop();
	});
	beforeEach(async () => {
		proxy.reset();
		prefix = `number-${(tests += 1)}`;
		context = await testContext();
	});
	afterEach(() => context.remove());

	const locking = (mode: 'governance' | 'compliance', bucket = LOCKED) =>
		s3Store(s3Location({ ...server, endpoint: proxy.endpoint }, bucket, { prefix, objectLock: { mode, days: 3 } }), QUICK, MIB / 4);
	const versions = async () => (await server.versions(LOCKED)).filter(({ key }) => key.startsWith(`${prefix}/`));
	const retention = async (key: string, VersionId?: string) => {
		try {
			return (await server.client.send(new GetObjectRetentionCommand({ Bucket: LOCKED, Key: key, VersionId }))).Retention;
		} catch {
			return undefined;
		}
	};

	async function publish(store: Store, now?: Date): Promise<Manifest> {
		const job = now === undefined ? context : { ...context, now: () => now };
		return await publishBackup({ store, context: job, component: 'postgres', kind: 'full', sourceName: 'crm', lockWaitSeconds: 0 }, async (draft) => {
			await draft.writeArtifact({ name: 'small.bin', role: 'dump', mediaType: 'application/octet-stream', compression: { algorithm: 'none' } }, chunks('hello'));
			await draft.writeArtifact({ name: 'large.bin', role: 'dump', mediaType: 'application/octet-stream', compression: { algorithm: 'none' } }, chunks(Buffer.alloc(MIB, 'x')));
			return { source: SOURCE, instructions: 'none' };
		});
	}

	test.each(['governance', 'compliance'] as const)('every file of a backup is locked, in one piece or in parts, and nothing else is (%s)', async (mode) => {
		const begun = Date.now();
		const { id } = await publish(locking(mode));
		const locked = [];
		for (const { key, versionId, deleteMarker } of await versions()) {
			const found = deleteMarker ? undefined : await retention(key, versionId);
			if (!found) continue;
			locked.push(key.slice(`${prefix}/backups/postgres/${id}/`.length));
			expect(found.Mode).toBe(mode.toUpperCase());
			expect(found.RetainUntilDate!.getTime()).toBeGreaterThanOrEqual(begun + 3 * DAY - 1000);
			await expect(server.client.send(new DeleteObjectCommand({ Bucket: LOCKED, Key: key, VersionId: versionId }))).rejects.toMatchObject({ name: 'AccessDenied' });
		}
		expect(locked.sort()).toEqual(['RESTORE.txt', 'large.bin', 'manifest.json', 'small.bin']);
		// Locks and records of runs come and go.
		expect((await versions()).some(({ key, deleteMarker }) => deleteMarker && key.startsWith(`${prefix}/locks/`))).toBe(true);
	});

	test('a copy is locked like the original', async () => {
		const source = new MemoryStore();
		const { id } = await publish(source);
		await copyBackup({ source, target: locking('governance'), recheck: false, lockWaitSeconds: 0 }, { component: 'postgres', id }, context);
		for (const name of ['RESTORE.txt', 'large.bin', 'manifest.json', 'small.bin']) expect(await retention(`${prefix}/backups/postgres/${id}/${name}`)).toMatchObject({ Mode: 'GOVERNANCE' });
	});

	test('Prune says until when a backup is locked, deletes the others, and does not fail', async () => {
		const plain = s3Store(s3Location(server, LOCKED, { prefix }));
		const old = await publish(plain, new Date(Date.now() - 20 * DAY));
		const locked = await publish(locking('governance'), new Date(Date.now() - 0.5 * DAY));
		await publish(plain, new Date(Date.now() - 0.3 * DAY));
		await publish(plain);
		const policy = retentionPolicySchema.parse({ keepLastVerified: 1, keepDays: 0 });
		for (const apply of [false, true]) {
			const { decisions, deleted } = await prune(locking('governance'), context, { policy, apply });
			const [decision] = decisions.filter(({ id }) => id === locked.id);
			expect(decision).toMatchObject({ action: 'keep', reasons: [expect.stringMatching(/^locked by the store until 20/)] });
			expect(deleted.length).toBe(apply ? 2 : 0);
		}
		expect((await listBackups(plain)).map(({ id }) => id)).toContain(locked.id);
		expect((await listBackups(plain)).map(({ id }) => id)).not.toContain(old.id);
		const { backups } = await readLockStates(plain, 10, never);
		expect(backups.map(({ backup, locked: state }) => [backup === locked.id, state]).sort()).toEqual([[false, 'none'], [true, 'all']]);
		expect(Date.parse(backups.find(({ backup }) => backup === locked.id)!.lockedUntil!)).toBeGreaterThan(Date.now());
		// Without a lock of its own the store keeps to the bucket's locks all the same.
		expect(await plain.protection(`backups/postgres/${locked.id}/manifest.json`)).toMatchObject({ until: expect.anything() });
	});

	test('whoever deletes a locked backup behind our back only hides it: its bytes stay', async () => {
		const { id } = await publish(locking('compliance'));
		const store = locking('compliance');
		for (const { key } of await all(store.list(''))) await store.remove(key);
		expect(await listBackups(store)).toEqual([]);
		const kept = (await versions()).filter(({ key, deleteMarker }) => key.endsWith(`${id}/small.bin`) && deleteMarker);
		await server.client.send(new DeleteObjectCommand({ Bucket: LOCKED, Key: kept[0]!.key, VersionId: kept[0]!.versionId }));
		expect((await collect(await store.get(`backups/postgres/${id}/small.bin`, { signal: never }))).toString()).toBe('hello');
	});

	test('a bucket without Object Lock is refused by the connection test and by the first backup, and nothing is left', async () => {
		const store = locking('governance', PLAIN);
		const expected = { code: 'OBJECT_NOT_LOCKED', hint: expect.stringContaining('created with Object Lock') };
		expect((await failure(store.check(never))).toJSON()).toMatchObject(expected);
		for (const source of [chunks('small'), chunks(Buffer.alloc(MIB))]) expect((await failure(store.put('k', source, { signal: never, immutable: true }))).toJSON()).toMatchObject(expected);
		expect((await failure(publish(store))).toJSON()).toMatchObject(expected);
		expect(await listBackups(store)).toEqual([]);
		expect((await all(store.list('backups/'))).length + (await all(store.listUnfinished(''))).length).toBe(0);
	});

	test.each([
		['says that there is no lock', { status: 404, code: 'NoSuchObjectLockConfiguration' }],
		['does not know what a lock is', { status: 501, code: 'NotImplemented' }],
	])('a service that takes locks and forgets them is found out: it %s', async (_how, answer) => {
		proxy.fault = ({ action }) => (action === 'GetObjectRetention' ? { kind: 'answer', ...answer } : undefined);
		const error = await failure(publish(locking('governance')));
		expect(error.toJSON()).toMatchObject({ code: 'OBJECT_NOT_LOCKED', message: expect.stringContaining('ignores Object Lock') });
		expect(await listBackups(locking('governance'))).toEqual([]);
	});

	test('the right to read locks is asked for by name', async () => {
		proxy.fault = ({ action }) => (action === 'GetObjectRetention' ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined);
		expect((await failure(publish(locking('governance')))).toJSON()).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('s3:GetObjectRetention') });
	});

	test('the connection test passes on a bucket with Object Lock, and leaves nothing locked', async () => {
		await locking('compliance').check(never);
		for (const { key, versionId, deleteMarker } of await versions()) expect(deleteMarker ? undefined : await retention(key, versionId)).toBeUndefined();
	});
});
