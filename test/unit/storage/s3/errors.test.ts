import { mapS3Error } from '../../../../lib/storage/s3/map-error';
import { retrying } from '../../../../lib/storage/s3/retry';
import { s3LocationSchema } from '../../../../lib/storage/s3/settings';
import { isTransient } from '../../../../lib/storage/s3/transient';
import { rejection } from '../../../support/bytes';

const place = { description: 's3://b/ at s3.example.com', bucket: 'b', region: 'us-east-1', role: true };
const doing = { what: 'Writing k', permission: 's3:PutObject' };
const answer = (status: number, name: string, message = '', headers = {}) =>
	Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status }, $response: { statusCode: status, headers: { authorization: 'SESAME', ...headers } } });
const network = (code: string) => Object.assign(new Error(`${code} SESAME-not`), { code });

test.each([
	[answer(403, 'AccessDenied'), 'PERMISSION_DENIED', /s3:PutObject/],
	[answer(403, ''), 'PERMISSION_DENIED', /s3:PutObject/],
	[answer(403, 'QuotaExceeded'), 'STORE_FULL', /Prune/],
	[answer(507, 'whatever'), 'STORE_FULL', /Prune/],
	[answer(413, ''), 'STORE_FULL', /client_max_body_size/],
	[answer(403, 'InvalidAccessKeyId'), 'AUTHENTICATION_FAILED', /access key ID/],
	[answer(403, 'SignatureDoesNotMatch'), 'AUTHENTICATION_FAILED', /secret access key/],
	[answer(403, 'RequestTimeTooSkewed'), 'AUTHENTICATION_FAILED', /NTP/],
	[Object.assign(new Error('no role'), { name: 'CredentialsProviderError' }), 'AUTHENTICATION_FAILED', /role/],
	[answer(404, 'NoSuchBucket'), 'STORE_UNAVAILABLE', /Check its name/],
	[answer(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'eu-central-1' }), 'STORE_UNAVAILABLE', /eu-central-1/],
	[answer(400, 'InvalidRequest', 'Unsupported header x-amz-checksum-crc32'), 'STORE_UNAVAILABLE', /Only When Required/],
	[answer(500, 'InternalError'), 'STORE_UNAVAILABLE', /healthy/],
	[network('ENOTFOUND'), 'STORE_UNAVAILABLE', /Path Style/],
	[network('ECONNREFUSED'), 'STORE_UNAVAILABLE', /endpoint/],
	[network('EPIPE'), 'STORE_UNAVAILABLE', /quota/],
	[network('SELF_SIGNED_CERT_IN_CHAIN'), 'TLS_FAILED', /CA Certificate/],
	[network('ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS_FAILED', /name in the endpoint/],
	['something else', 'STORE_UNAVAILABLE', /healthy/],
])('%p becomes %s', (error, code, hint) => {
	const mapped = mapS3Error(error, doing, place);
	expect(mapped.toJSON()).toMatchObject({ code, message: expect.stringContaining('Writing k in the store (s3://b/ at s3.example.com) failed'), hint: expect.stringMatching(hint) });
	// Of the SDK's error, which holds the signed request, nothing goes along.
	expect(Object.keys(mapped.cause as object)).toEqual([]);
});

test('what passes is tried again, what lasts is not', async () => {
	const policy = { attempts: 3, firstWaitMs: 1, longestWaitMs: 2 };
	const context = { policy, signal: new AbortController().signal, randomBytes: (bytes: number) => Buffer.alloc(bytes) };
	const attempts = async (error: unknown) => {
		let count = 0;
		await rejection(
			retrying(context, async () => {
				count += 1;
				throw error;
			}),
		);
		return count;
	};
	for (const error of [answer(500, 'InternalError'), answer(503, 'SlowDown'), answer(400, 'RequestTimeout'), answer(400, 'BadDigest'), network('ECONNRESET'), network('EPIPE')]) expect(await attempts(error)).toBe(3);
	for (const error of [answer(403, 'AccessDenied'), answer(404, 'NoSuchKey'), answer(507, 'InsufficientStorage'), answer(501, 'NotImplemented'), network('ENOTFOUND'), new Error('of ours')]) expect(await attempts(error)).toBe(1);
	let count = 0;
	expect(await retrying(context, async () => ((count += 1) < 3 ? Promise.reject(network('ECONNRESET')) : count))).toBe(3);
	expect(isTransient(undefined)).toBe(false);
});

describe('the settings', () => {
	const plain = { type: 's3', bucket: 'crm-backups', credentials: { from: 'role' } };

	test('need no more than bucket and rights', () => {
		expect(s3LocationSchema.parse(plain)).toMatchObject({ region: 'us-east-1', forcePathStyle: false, checksums: 'WHEN_SUPPORTED', objectLock: null, uploadLimit: 0 });
	});

	test.each([{ bucket: 'a/b' }, { bucket: '' }, { endpoint: 'https://user:SESAME@host' }, { endpoint: 'host' }, { endpoint: 'https://host?x=1' }, { objectLock: { mode: 'governance', days: 0 } }, { uploadLimit: -1 }, { credentials: { from: 'keys', accessKeyId: 'a', secretAccessKey: '' } }, { unknown: 1 }])(
		'refuse %j, without quoting it',
		(wrong) => {
			const { error } = s3LocationSchema.safeParse({ ...plain, ...wrong });
			expect(error).toBeDefined();
			expect(JSON.stringify(error?.issues)).not.toContain('SESAME');
		},
	);
});
