import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, s3Location, s3Store } from '../../support/s3-store';
import { describeStore } from '../../support/store-contract';

const BUCKET = 'contract';

describeWithS3('a bucket of a real S3 server', () => {
	let server: S3Server;
	let tests = 0;

	beforeAll(async () => {
		server = await startS3();
		await server.createBucket(BUCKET);
		await server.createBucket(`${BUCKET}-locked`, { objectLock: true });
	}, 60_000);
	afterAll(() => server?.stop());

	/** Each test in a folder of its own: nothing has to be emptied. */
	const fresh = async (bucket: string, overrides = {}) => ({
		store: s3Store(s3Location(server, bucket, { prefix: `test/number-${(tests += 1)}`, ...overrides })),
		dispose: async () => undefined,
	});

	describeStore('with checksums on the wire', () => fresh(BUCKET));
	describeStore('without checksums that S3 does not demand', () => fresh(BUCKET, { checksums: 'WHEN_REQUIRED' }));
	describeStore('with Object Lock', () => fresh(`${BUCKET}-locked`, { objectLock: { mode: 'governance', days: 1 } }));
});
