import { storeLocation } from '../../nodes/shared/credentials';
import { environmentPolicy } from '../../nodes/shared/file-policy';
import { allowedStore } from '../../nodes/shared/store-policy';
import { BackupStoreApi } from '../../credentials/BackupStoreApi.credentials';

/** What n8n saves when nothing but the required fields is filled in. */
const filled = (changes: Record<string, string | number | boolean> = {}) => ({
	...Object.fromEntries(new BackupStoreApi().properties.map(({ name, default: value }) => [name, value as string])),
	type: 's3',
	bucket: 'crm-backups',
	accessKeyId: 'KEY',
	secretAccessKey: 'SESAME',
	...changes,
});

test('a credential with its defaults is a plain bucket of Amazon S3', () => {
	expect(storeLocation(filled())).toEqual({
		type: 's3',
		bucket: 'crm-backups',
		prefix: '',
		endpoint: '',
		region: 'us-east-1',
		forcePathStyle: false,
		checksums: 'WHEN_SUPPORTED',
		ca: '',
		credentials: { from: 'keys', accessKeyId: 'KEY', secretAccessKey: 'SESAME', sessionToken: '' },
		objectLock: null,
		uploadLimit: 0,
		downloadLimit: 0,
		storageClass: '',
		serverSideEncryption: 'none',
		kmsKeyId: '',
	});
});

test('every field arrives; limits are in megabytes a second', () => {
	const changes = { endpoint: ' https://s3.example.com ', region: 'eu', forcePathStyle: true, checksums: 'WHEN_REQUIRED', objectLock: 'compliance', objectLockDays: 90, uploadLimit: 2.5, downloadLimit: 1e-9, storageClass: 'STANDARD_IA', prefix: 'a/b', authentication: 'role' };
	expect(storeLocation(filled(changes))).toMatchObject({
		endpoint: 'https://s3.example.com',
		region: 'eu',
		forcePathStyle: true,
		checksums: 'WHEN_REQUIRED',
		objectLock: { mode: 'compliance', days: 90 },
		uploadLimit: 2_500_000,
		downloadLimit: 1,
		storageClass: 'STANDARD_IA',
		prefix: 'a/b',
		credentials: { from: 'role' },
	});
});

test.each([
	[{ bucket: '' }, 'Bucket'],
	[{ bucket: 'a/b' }, 'bucket'],
	[{ secretAccessKey: '' }, 'Secret Access Key'],
	[{ endpoint: 's3.example.com' }, 'endpoint'],
	[{ endpoint: 'https://user:SESAME@s3.example.com' }, 'endpoint'],
	[{ objectLock: 'governance', objectLockDays: 0 }, 'objectLock'],
	[{ objectLock: 'sometimes' }, 'Object Lock'],
	[{ uploadLimit: -1 }, 'uploadLimit'],
])('%j is refused by name', (changes, field) => {
	expect(() => storeLocation(filled(changes))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(field) }));
	expect(() => storeLocation(filled(changes))).not.toThrow(expect.objectContaining({ message: expect.stringContaining('SESAME') }));
});

test("n8n's file policy has no say about a bucket", async () => {
	const location = storeLocation(filled());
	expect(await allowedStore(location, environmentPolicy({}))).toBe(location);
});
