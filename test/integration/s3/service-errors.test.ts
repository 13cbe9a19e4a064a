import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock } from '../../../lib/catalog/locks';
import type { S3Location } from '../../../lib/storage/s3/settings';
import { all, chunks, collect } from '../../support/bytes';
import { failure } from '../../support/failure';
import { freePort } from '../../support/free-port';
import { testContext } from '../../support/job-context';
import { type S3Proxy, startS3Proxy } from '../../support/s3-proxy';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, QUICK, s3Location, s3Store } from '../../support/s3-store';

const BUCKET = 'errors';
const never = new AbortController().signal;

describeWithS3('a service that refuses', () => {
	let server: S3Server;
	let proxy: S3Proxy;

	beforeAll(async () => {
		server = await startS3();
		proxy = await startS3Proxy(server);
		await server.createBucket(BUCKET);
	}, 60_000);
	afterAll(async () => {
		await proxy?.stop();
		await server?.stop();
	});
	beforeEach(() => proxy.reset());

	const at = (overrides: Partial<S3Location>) => s3Store(s3Location({ ...server, endpoint: proxy.endpoint }, BUCKET, overrides), { ...QUICK, attempts: 2 });
	const keys = (accessKeyId: string, secretAccessKey: string) => ({ credentials: { from: 'keys' as const, accessKeyId, secretAccessKey, sessionToken: '' } });

	async function expectRefusal(overrides: Partial<S3Location>, code: string, words: RegExp): Promise<void> {
		const store = at(overrides);
		for (const work of [() => store.put('k', chunks('x'), { signal: never }), () => store.check(never), () => all(store.list('')), () => store.listFolders('')]) {
			const error = (await failure(work())).toJSON();
			expect(error).toMatchObject({ code, hint: expect.stringMatching(words) });
			expect(JSON.stringify(error)).not.toMatch(/SESAME|test\/secret/);
		}
	}

	test('a wrong secret key, and a key that nobody knows', async () => {
		await expectRefusal(keys(server.accessKeyId, 'SESAME-wrong'), 'AUTHENTICATION_FAILED', /Enter the secret access key again/);
		await expectRefusal(keys('nobody', 'SESAME-some'), 'AUTHENTICATION_FAILED', /Check the access key ID/);
	});

	test('a bucket that is not there', async () => {
		await expectRefusal({ bucket: 'elsewhere' }, 'STORE_UNAVAILABLE', /not created for you/);
	});

	test('a name that cannot be resolved, and a port on which nobody listens', async () => {
		await expectRefusal({ endpoint: 'http://no-such-host.invalid' }, 'STORE_UNAVAILABLE', /Path Style/);
		await expectRefusal({ endpoint: `http://127.0.0.1:${await freePort()}` }, 'STORE_UNAVAILABLE', /endpoint, the network/);
	});

	test.each([
		[403, 'RequestTimeTooSkewed', 'AUTHENTICATION_FAILED', /clock/],
		[400, 'ExpiredToken', 'AUTHENTICATION_FAILED', /Temporary keys/],
		[301, 'PermanentRedirect', 'STORE_UNAVAILABLE', /region/],
		[400, 'AuthorizationHeaderMalformed', 'STORE_UNAVAILABLE', /region/],
		[503, 'SlowDown', 'STORE_UNAVAILABLE', /later/],
		[501, 'NotImplemented', 'STORE_UNAVAILABLE', /Only When Required/],
	])('the answer %i %s', async (status, code, expected, words) => {
		proxy.fault = () => ({ kind: 'answer', status, code });
		expect((await failure(at({}).put('k', chunks('x'), { signal: never }))).toJSON()).toMatchObject({ code: expected, hint: expect.stringMatching(words) });
	});

	test('a user without rights learns which one is missing', async () => {
		const user = await server.createUser('stranger');
		await expectRefusal(keys(user.accessKeyId, user.secretAccessKey), 'PERMISSION_DENIED', /s3:(PutObject|ListBucket)/);
	});

	test('the policy of docs/security.md is enough for everything that the store does', async () => {
		const user = await server.createUser('backup');
		const documentation = readFileSync(join(__dirname, '../../../docs/security.md'), 'utf8');
		const policy = JSON.parse(/```json\n(\{[^`]*"s3:[^`]*)```/.exec(documentation)?.[1] ?? '{}') as { Statement: Record<string, unknown>[] };
		expect(policy.Statement.length).toBeGreaterThan(0);
		const Statement = policy.Statement.map((statement) => ({ ...statement, Principal: { AWS: ['arn:aws:iam:::user/backup'] } }));
		await server.client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify({ ...policy, Statement }).replaceAll('crm-backups', BUCKET) }));
		const store = at({ prefix: 'crm', ...keys(user.accessKeyId, user.secretAccessKey) });
		await store.check(never);
		await store.put('a/large', chunks(Buffer.alloc(9_000_000)), { signal: never });
		expect(await collect(await store.get('a/large', { signal: never, start: 5, end: 9 }))).toHaveLength(5);
		expect(await store.stat('a/missing')).toBeUndefined();
		expect(await store.protection('a/large')).toBeUndefined();
		// A busy server may have been asked twice to begin the upload.
		for (const { key } of await store.removeUnfinished('', new Date(8.64e15))) expect(key).toBe('a/large');
		expect(await store.removeUnfinished('', new Date(8.64e15))).toEqual([]);
		await store.remove('a/large');
		expect(await all(store.list(''))).toEqual([]);
	});

	test('locks need no conditional writes: of many that want one, one at a time has it', async () => {
		const store = at({ prefix: 'locks' });
		const context = await testContext();
		let holders = 0;
		let most = 0;
		await Promise.all(
			Array.from({ length: 4 }, async () => {
				const lock = await acquireLock(store, context, { name: 'postgres', mode: 'exclusive', purpose: 'trying', waitSeconds: 30 });
				most = Math.max(most, (holders += 1));
				await new Promise((resolve) => setTimeout(resolve, 20));
				await lock.stillHeld();
				holders -= 1;
				await lock.release();
			}),
		);
		expect(most).toBe(1);
		await context.remove();
	}, 40_000);

	describe('over TLS with a certificate of an own authority', () => {
		let folder: string;
		let secure: S3Proxy;
		const file = (name: string) => join(folder, name);
		const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
		const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

		beforeAll(async () => {
			folder = mkdtempSync(join(tmpdir(), 'backup-recovery-tls-'));
			writeFileSync(file('extensions'), 'subjectAltName=DNS:localhost\n');
			openssl('req', '-x509', ...key, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-subj', '/CN=Test authority', '-days', '30');
			openssl('req', ...key, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=localhost');
			openssl('x509', '-req', '-in', file('server.csr'), '-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('server.crt'), '-days', '30', '-extfile', file('extensions'));
			secure = await startS3Proxy(server, { key: readFileSync(file('server.key'), 'utf8'), cert: readFileSync(file('server.crt'), 'utf8') });
		});
		afterAll(async () => {
			await secure?.stop();
			rmSync(folder, { recursive: true, force: true });
		});

		test('the authority must be given, and the name must fit', async () => {
			const ca = readFileSync(file('ca.crt'), 'utf8');
			await expectRefusal({ endpoint: secure.endpoint }, 'TLS_FAILED', /CA Certificate/);
			await expectRefusal({ endpoint: secure.endpoint.replace('localhost', '127.0.0.1'), ca }, 'TLS_FAILED', /name in the endpoint/);
			const store = at({ endpoint: secure.endpoint, ca, prefix: 'tls' });
			await store.check(never);
			const large = Buffer.alloc(9_000_000, 'x');
			await store.put('k', chunks(large), { signal: never });
			expect((await collect(await store.get('k', { signal: never }))).equals(large)).toBe(true);
		});
	});
});
