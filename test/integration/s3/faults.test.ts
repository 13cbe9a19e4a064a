import type { S3Store } from '../../../lib/storage/s3/s3-store';
import { few } from '../../support/breadth';
import { all, chunks, collect, rejection } from '../../support/bytes';
import { failure } from '../../support/failure';
import { type NetworkFault, type ProxiedRequest, type S3Proxy, startS3Proxy } from '../../support/s3-proxy';
import { type S3Server, startS3 } from '../../support/s3-server';
import { describeWithS3, QUICK, s3Location, s3Store } from '../../support/s3-store';

const BUCKET = 'faults';
const MIB = 1024 * 1024;
const never = new AbortController().signal;
const FUTURE = new Date(8.64e15);

const PART = MIB / 4;
/** Three parts: two whole ones and a rest. */
const LARGE = Buffer.alloc(2 * PART + 12_344);
for (let at = 0; at < LARGE.length; at += 4) LARGE.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
const LARGE_CHUNK = 100_003;
/** Several times what a stream holds back. */
const HUGE = Buffer.concat(Array.from({ length: 10 }, () => LARGE));

async function* large(): AsyncGenerator<Uint8Array, void, void> {
	for (let at = 0; at < LARGE.length; at += LARGE_CHUNK) yield LARGE.subarray(at, at + LARGE_CHUNK);
}

describeWithS3('a network and a server on which things go wrong', () => {
	let server: S3Server;
	let proxy: S3Proxy;
	let store: S3Store;
	let tests = 0;

	beforeAll(async () => {
		server = await startS3({ smallestPart: PART });
		proxy = await startS3Proxy(server);
		await server.createBucket(BUCKET);
	}, 60_000);
	afterAll(async () => {
		await proxy?.stop();
		await server?.stop();
	});
	beforeEach(() => {
		proxy.reset();
		store = fresh();
	});

	const fresh = (overrides = {}, timing = QUICK) => s3Store(s3Location({ ...server, endpoint: proxy.endpoint }, BUCKET, { prefix: `number-${(tests += 1)}`, ...overrides }), timing, PART);
	const read = async (key: string) => await collect(await store.get(key, { signal: never }));
	const keys = async () => (await all(store.list(''))).map(({ key }) => key).sort();
	const putHuge = async () => void (await store.put('k', chunks(HUGE), { signal: never, expectedBytes: HUGE.length }));
	const put = async () => await store.put('k', large(), { signal: never });
	/** The requests that one upload in parts makes. */
	const OF_AN_UPLOAD = ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'];

	const FAULTS: NetworkFault[] = [
		{ kind: 'answer', status: 500, code: 'InternalError' },
		{ kind: 'answer', status: 503, code: 'SlowDown' },
		{ kind: 'refuse' },
		{ kind: 'cut upload' },
		{ kind: 'lose answer' },
		{ kind: 'flip' },
	];

	test('an upload in parts makes the requests that the next tests let fail one by one', async () => {
		await put();
		expect(proxy.requests.map(({ action }) => action).sort()).toEqual([...OF_AN_UPLOAD].sort());
	});

	test.each(few(FAULTS, 3))('an upload survives one fault at every request: %j', async (fault) => {
		for (let position = 1; position <= OF_AN_UPLOAD.length; position++) {
			proxy.reset();
			proxy.fault = ({ number }) => (number === position ? fault : undefined);
			expect(await put()).toBe(LARGE.length);
			proxy.reset();
			expect((await read('k')).equals(LARGE)).toBe(true);
			// The server began an upload of which we never heard: all that can stay, and the clean-up finds it.
			const lost = fault.kind === 'lose answer' && position === 1 ? 1 : 0;
			expect(await all(store.listUnfinished(''))).toHaveLength(lost);
			expect(await store.removeUnfinished('', FUTURE)).toHaveLength(lost);
		}
	}, 60_000);

	test.each(few(FAULTS, 3))('when everything fails from some request on, nothing is visible, and the next run succeeds: %j', async (fault) => {
		await store.put('k', chunks('old'), { signal: never });
		for (let position = 1; position <= OF_AN_UPLOAD.length; position++) {
			proxy.reset();
			if (fault.kind === 'flip' && position === OF_AN_UPLOAD.length) continue;
			proxy.fault = ({ number }) => (number >= position ? fault : undefined);
			const error = await failure(put());
			expect(error.code).toMatch(/^STORE_UNAVAILABLE$/);
			expect(error.message).toContain(`s3://${BUCKET}/`);
			expect(error.hint).not.toBe('');
			proxy.reset();
			// An upload whose last answer was lost is done, though nobody could know: then it is whole.
			const found = await read('k');
			const done = fault.kind === 'lose answer' && position === OF_AN_UPLOAD.length && found.equals(LARGE);
			if (!done) expect(found.toString()).toBe('old');
			expect(await keys()).toEqual(['k']);
			await store.removeUnfinished('', FUTURE);
			expect(await all(store.listUnfinished(''))).toEqual([]);
			if (done) await store.put('k', chunks('old'), { signal: never });
		}
		expect(await put()).toBe(LARGE.length);
		expect((await read('k')).equals(LARGE)).toBe(true);
	}, 60_000);

	test.each(['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])('an upload whose %s always fails is given up: nothing stays on the server', async (action) => {
		proxy.fault = (request) => (request.action === action ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined);
		expect((await failure(put())).code).toBe('STORE_UNAVAILABLE');
		expect(await all(store.listUnfinished(''))).toEqual([]);
		expect(await keys()).toEqual([]);
	});

	test('an unfinished upload is found in its folder, although nothing else is there, and only what is old enough is removed', async () => {
		proxy.fault = ({ action }) => (['UploadPart', 'AbortMultipartUpload'].includes(action) ? { kind: 'refuse' } : undefined);
		await rejection(store.put('backups/postgres/some-id/a', large(), { signal: never }));
		proxy.reset();
		expect(await store.listFolders('backups/postgres/')).toEqual(['some-id']);
		expect(await all(store.list(''))).toEqual([]);
		const [found] = await all(store.listUnfinished('backups/'));
		expect(found).toMatchObject({ key: 'backups/postgres/some-id/a', bytes: expect.any(Number), modifiedAt: expect.anything() });
		expect(await store.removeUnfinished('backups/', new Date(found!.modifiedAt.getTime() - 1))).toEqual([]);
		expect(await store.removeUnfinished('other/', FUTURE)).toEqual([]);
		expect(await store.removeUnfinished('backups/', FUTURE)).toHaveLength(1);
		expect(await store.listFolders('backups/')).toEqual([]);
	});

	test('a failing part stops a source that is silent', async () => {
		proxy.fault = ({ action }) => (action === 'UploadPart' ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined);
		const silent = async function* () {
			yield* large();
			await new Promise(() => undefined);
		};
		expect((await failure(store.put('k', silent(), { signal: never }))).toJSON()).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('s3:PutObject') });
		expect(await all(store.listUnfinished(''))).toEqual([]);
	});

	test.each([
		['while a part is on its way', ({ action }: ProxiedRequest) => action === 'UploadPart'],
		['while the server makes an object of the parts', ({ action }: ProxiedRequest) => action === 'CompleteMultipartUpload'],
	])('a cancelled upload ends at once and leaves nothing: %s', async (_when, hangs) => {
		const controller = new AbortController();
		proxy.fault = (request) => {
			if (!hangs(request)) return undefined;
			setTimeout(() => controller.abort(), 20);
			return { kind: 'hang' };
		};
		expect((await failure(store.put('k', large(), { signal: controller.signal }))).code).toBe('CANCELLED');
		proxy.reset();
		expect(await all(store.listUnfinished(''))).toEqual([]);
		expect(await keys()).toEqual([]);
	});

	test.each([
		['an upload', 'UploadPart', { kind: 'hang' }],
		['a download before its first byte', 'GetObject', { kind: 'hang' }],
		['a download in its middle', 'GetObject', { kind: 'hang in answer', after: MIB }],
	] as const)('a connection that hangs is given up and %s goes on', async (_what, action, fault) => {
		store = fresh({}, { ...QUICK, idleMs: 1000, answerMs: 3000 });
		let first = true;
		proxy.fault = (request) => {
			if (request.action !== action || !first) return undefined;
			first = false;
			return fault;
		};
		await putHuge();
		expect((await read('k')).equals(HUGE)).toBe(true);
		expect(first).toBe(false);
	}, 30_000);

	test('a server that only hangs is given up', async () => {
		store = fresh({}, { ...QUICK, attempts: 2, idleMs: 200, answerMs: 1000 });
		proxy.fault = () => ({ kind: 'hang' });
		const works = [() => store.stat('k'), () => store.put('k', chunks('x'), { signal: never }), () => read('k'), () => store.check(never)];
		for (const work of works) {
			expect((await failure(work())).toJSON()).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('did not answer in time') });
		}
	}, 30_000);

	test('a download goes on where its connection broke, again and again', async () => {
		await putHuge();
		let breaks = 0;
		proxy.fault = ({ action }) => (action === 'GetObject' && (breaks += 1) <= 12 ? { kind: 'cut answer', after: 234_567 } : undefined);
		expect((await read('k')).equals(HUGE)).toBe(true);
		expect(breaks).toBe(13);
		breaks = 0;
		expect((await collect(await store.get('k', { signal: never, start: 1000, end: 2_000_000 }))).equals(HUGE.subarray(1000, 2_000_001))).toBe(true);
	});

	test('a download that gets nothing any more fails, and never passes for a whole one', async () => {
		await putHuge();
		let answers = 0;
		proxy.fault = ({ action }) => (action === 'GetObject' ? { kind: 'cut answer', after: (answers += 1) === 1 ? MIB : 0 } : undefined);
		expect((await failure(read('k'))).code).toBe('STORE_UNAVAILABLE');
	});

	test('a download does not go on with an object that was replaced meanwhile', async () => {
		await putHuge();
		let first = true;
		proxy.fault = ({ action }) => {
			if (action !== 'GetObject' || !first) return undefined;
			first = false;
			return { kind: 'cut answer', after: 3 * MIB };
		};
		const stream = await store.get('k', { signal: never });
		await store.put('k', chunks('another'), { signal: never });
		expect((await failure(collect(stream))).message).toContain('was replaced while it was being read');
	});

	test('a reader may pause for longer than a connection may stand still', async () => {
		await putHuge();
		const hasty = s3Store(s3Location({ ...server, endpoint: proxy.endpoint }, BUCKET, { prefix: `number-${tests}` }), { ...QUICK, idleMs: 500 });
		const parts: Buffer[] = [];
		for await (const chunk of await hasty.get('k', { signal: never })) {
			if (parts.length % 30 === 5) await new Promise((resolve) => setTimeout(resolve, 1000));
			parts.push(chunk as Buffer);
		}
		expect(Buffer.concat(parts).equals(HUGE)).toBe(true);
		expect(proxy.requests.filter(({ action }) => action === 'GetObject').length).toBeGreaterThan(1);
	}, 30_000);

	test('a cancelled download leaves no connection behind', async () => {
		await putHuge();
		const controller = new AbortController();
		proxy.fault = () => ({ kind: 'hang in answer', after: MIB });
		const reading = failure(collect(await store.get('k', { signal: controller.signal })));
		setTimeout(() => controller.abort(), 30);
		expect((await reading).code).toBe('CANCELLED');
	});

	test('a service that refuses the newer checksums is named, and taken when they are switched off', async () => {
		const refuses = ({ headers }: ProxiedRequest) => Object.keys(headers).some((name) => /^x-amz-(checksum|sdk-checksum|trailer)/.test(name));
		proxy.fault = (request) => (refuses(request) ? { kind: 'answer', status: 400, code: 'InvalidArgument' } : undefined);
		for (const source of [chunks('small'), large()]) {
			expect((await failure(store.put('k', source, { signal: never }))).toJSON()).toMatchObject({ code: 'STORE_UNAVAILABLE', hint: expect.stringContaining('hecksums') });
		}
		store = fresh({ checksums: 'WHEN_REQUIRED' });
		proxy.fault = (request) => (refuses(request) ? { kind: 'answer', status: 400, code: 'InvalidArgument' } : undefined);
		await put();
		expect((await read('k')).equals(LARGE)).toBe(true);
		await store.check(never);
	});

	test('bytes that change on their way are noticed by the server, also without the newer checksums', async () => {
		store = fresh({ checksums: 'WHEN_REQUIRED' });
		for (const action of ['UploadPart', 'PutObject']) {
			let flipped = 0;
			proxy.fault = (request) => (request.action === action && (flipped += 1) === 1 ? { kind: 'flip' } : undefined);
			await (action === 'PutObject' ? store.put('k', chunks(LARGE.subarray(0, 1000)), { signal: never }) : put());
			expect(flipped).toBeGreaterThan(1);
			expect((await read('k')).equals(action === 'PutObject' ? LARGE.subarray(0, 1000) : LARGE)).toBe(true);
		}
	});

	test('a full service: 507 in the middle', async () => {
		let parts = 0;
		proxy.fault = ({ action }) => (action === 'UploadPart' && (parts += 1) === 2 ? { kind: 'answer', status: 507, code: 'InsufficientStorage' } : undefined);
		expect((await failure(put())).toJSON()).toMatchObject({ code: 'STORE_FULL', hint: expect.stringContaining('Prune') });
		expect(await all(store.listUnfinished(''))).toEqual([]);
		expect(await keys()).toEqual([]);
	});

	test('a bandwidth limit is kept in both directions', async () => {
		const limited = fresh({ uploadLimit: 4_000_000, downloadLimit: 4_000_000 });
		const bytes = HUGE.subarray(0, 2_000_000);
		const begun = performance.now();
		await Promise.all([limited.put('a', chunks(bytes), { signal: never }), limited.put('b', chunks(bytes), { signal: never })]);
		expect(performance.now() - begun).toBeGreaterThan(900);
		const reading = performance.now();
		expect((await collect(await limited.get('a', { signal: never }))).equals(bytes)).toBe(true);
		expect(performance.now() - reading).toBeGreaterThan(400);
	}, 20_000);

	// Last: the limit stays.
	test('a quota of a real server', async () => {
		await store.put('k', chunks('old'), { signal: never });
		await server.limitBytes(BUCKET, 1);
		for (const source of [chunks('small'), large()]) expect((await failure(store.put('k', source, { signal: never }))).code).toBe('STORE_FULL');
		expect((await read('k')).toString()).toBe('old');
		expect(await all(store.listUnfinished(''))).toEqual([]);
	}, 30_000);
});
