import type { Store } from '../../lib/storage/store';
import { all, chunks, collect, rejection } from './bytes';

/** A store for one test, empty, and what removes it afterwards. */
export interface StoreUnderTest {
	readonly store: Store;
	dispose(): Promise<void>;
}

const signal = new AbortController().signal;
const FUTURE = new Date(8.64e15);

/** What every store must do; each kind of store runs it on the real thing. */
export function describeStore(name: string, makeStore: () => Promise<StoreUnderTest>): void {
	describe(`${name} keeps the contract of a store`, () => {
		let store: Store;
		let dispose: () => Promise<void>;
		beforeEach(async () => ({ store, dispose } = await makeStore()));
		afterEach(async () => await dispose());

		const read = async (key: string, range: { start?: number; end?: number } = {}) => await collect(await store.get(key, { signal, ...range }));
		const keys = async (prefix: string) => (await all(store.list(prefix))).map(({ key }) => key).sort();

		test('gives back what was put, and its size', async () => {
			const seen: number[] = [];
			expect(await store.put('a/b/c.bin', chunks('hello ', 'world'), { signal, onBytes: (total) => seen.push(total) })).toBe(11);
			expect((await read('a/b/c.bin')).toString()).toBe('hello world');
			expect(await store.stat('a/b/c.bin')).toMatchObject({ key: 'a/b/c.bin', bytes: 11, modifiedAt: expect.anything() });
			expect(seen).toEqual([6, 11]);
		});

		test('keeps an empty object', async () => {
			expect(await store.put('empty', chunks(), { signal })).toBe(0);
			expect(await read('empty')).toHaveLength(0);
			expect((await store.stat('empty'))?.bytes).toBe(0);
		});

		test('keeps an object of several megabytes, byte for byte', async () => {
			const part = Buffer.alloc(1_300_001, 'abcdefg');
			await store.put('large', chunks(part, part, part), { signal, expectedBytes: 3 * part.length });
			expect((await read('large')).equals(Buffer.concat([part, part, part]))).toBe(true);
		});

		test('reads a range', async () => {
			await store.put('r', chunks('0123456789'), { signal });
			expect((await read('r', { start: 2, end: 4 })).toString()).toBe('234');
			expect((await read('r', { start: 7 })).toString()).toBe('789');
			expect((await read('r', { start: 7, end: 99 })).toString()).toBe('789');
		});

		test('replaces an object as a whole', async () => {
			await store.put('k', chunks('the old and longer one'), { signal });
			await store.put('k', chunks('new'), { signal });
			expect((await read('k')).toString()).toBe('new');
			expect(await keys('')).toEqual(['k']);
		});

		test('keeps secrets readable for itself', async () => {
			await store.put('s', chunks('secret'), { signal, secret: true });
			expect((await read('s')).toString()).toBe('secret');
		});

		test('knows what is not there', async () => {
			await store.put('there/x', chunks('1'), { signal });
			expect(await store.stat('nothing')).toBeUndefined();
			expect(await store.stat('there')).toBeUndefined();
			expect(await store.stat('there/x/y')).toBeUndefined();
			for (const key of ['nothing', 'there', 'no/where/at/all']) expect(await rejection(read(key))).toMatchObject({ code: 'OBJECT_NOT_FOUND' });
			expect(await keys('nowhere/')).toEqual([]);
			expect(await store.listFolders('nowhere/')).toEqual([]);
			await store.remove('nothing');
			await store.remove('no/where/at/all');
		});

		test('lists by prefix, and folders one level deep', async () => {
			for (const key of ['a/1', 'a/b/2', 'a/b/c/3', 'ab/4', 'top']) await store.put(key, chunks(key), { signal });
			expect(await keys('')).toEqual(['a/1', 'a/b/2', 'a/b/c/3', 'ab/4', 'top']);
			expect(await keys('a/')).toEqual(['a/1', 'a/b/2', 'a/b/c/3']);
			expect((await store.listFolders('')).sort()).toEqual(['a', 'ab']);
			expect(await store.listFolders('a/')).toEqual(['b']);
		});

		test('has no empty folders', async () => {
			await store.put('a/b/c', chunks('1'), { signal });
			await store.remove('a/b/c');
			expect(await store.listFolders('')).toEqual([]);
			await store.put('a/b/c', chunks('2'), { signal });
			expect((await read('a/b/c')).toString()).toBe('2');
		});

		test('a put whose source fails leaves the old object and nothing else', async () => {
			await store.put('k', chunks('old'), { signal });
			const broken = async function* () {
				yield Buffer.from('half of the new');
				throw new Error('the source broke');
			};
			expect((await rejection(store.put('k', broken(), { signal }))).message).toContain('the source broke');
			expect(await rejection(store.put('fresh/k', broken(), { signal }))).not.toMatchObject({ code: 'STORE_UNAVAILABLE' });
			expect((await read('k')).toString()).toBe('old');
			expect(await keys('')).toEqual(['k']);
			expect(await store.listFolders('')).toEqual([]);
			expect(await all(store.listUnfinished(''))).toEqual([]);
		});

		test('a cancelled put ends at once, also while its source is silent, and leaves nothing', async () => {
			const controller = new AbortController();
			const silent = async function* () {
				yield Buffer.from('first');
				setTimeout(() => controller.abort(), 5);
				await new Promise(() => undefined);
			};
			expect(await rejection(store.put('k', silent(), { signal: controller.signal }))).toMatchObject({ code: 'CANCELLED' });
			expect(await keys('')).toEqual([]);
			expect(await all(store.listUnfinished(''))).toEqual([]);
			expect(await rejection(store.put('k', chunks('x'), { signal: controller.signal }))).toMatchObject({ code: 'CANCELLED' });
			expect(await rejection(store.get('k', { signal: controller.signal }))).toMatchObject({ code: 'CANCELLED' });
		});

		test('a cancelled read fails with CANCELLED', async () => {
			await store.put('k', chunks(Buffer.alloc(4_000_000)), { signal });
			const controller = new AbortController();
			const stream = await store.get('k', { signal: controller.signal });
			const reading = rejection(
				(async () => {
					for await (const _ of stream) controller.abort();
				})(),
			);
			expect(await reading).toMatchObject({ code: 'CANCELLED' });
		});

		test('nobody ever sees half an object', async () => {
			let release = () => {};
			const held = new Promise<void>((resolve) => (release = resolve));
			const slow = async function* () {
				yield Buffer.from('half');
				await held;
				yield Buffer.from('whole');
			};
			const writing = store.put('slow/k', slow(), { signal });
			await new Promise((resolve) => setTimeout(resolve, 30));
			expect(await store.stat('slow/k')).toBeUndefined();
			expect(await keys('')).toEqual([]);
			release();
			await writing;
			expect((await read('slow/k')).toString()).toBe('halfwhole');
		});

		test('several puts of one key leave one whole object', async () => {
			const contents = ['aaaa', 'bbbbbb', 'cc'];
			await Promise.all(contents.map((content) => store.put('race/k', chunks(content), { signal })));
			expect(contents).toContain((await read('race/k')).toString());
			expect(await keys('')).toEqual(['race/k']);
		});

		test('puts and removals in one folder do not disturb each other', async () => {
			await Promise.all(
				Array.from({ length: 40 }, async (_, index) => {
					await store.put(`shared/folder/${index}`, chunks(`${index}`), { signal });
					if (index % 2 === 0) await store.remove(`shared/folder/${index}`);
				}),
			);
			expect((await keys('shared/')).length).toBe(20);
		});

		test.each(['', '/', '/etc/passwd', '../x', 'a/../../x', 'a//b', 'a/', '.hidden', 'a/.b', 'a/b..c', 'a\\b', 'a b', 'a\nb', 'ä', 'a\0b', 'x'.repeat(201), 'y/'.repeat(500) + 'z'])(
			'refuses the key %j',
			async (key) => {
				const refused = { code: 'PATH_REFUSED' };
				expect(await rejection(store.put(key, chunks('x'), { signal }))).toMatchObject(refused);
				expect(await rejection(store.get(key, { signal }))).toMatchObject(refused);
				expect(await rejection(store.stat(key))).toMatchObject(refused);
				expect(await rejection(store.remove(key))).toMatchObject(refused);
			},
		);

		test.each(['/', 'a', '../', 'a/../', './', 'a//'])('refuses the prefix %j', async (prefix) => {
			expect(await rejection(all(store.list(prefix)))).toMatchObject({ code: 'PATH_REFUSED' });
			expect(await rejection(store.listFolders(prefix))).toMatchObject({ code: 'PATH_REFUSED' });
			expect(await rejection(store.removeUnfinished(prefix, FUTURE))).toMatchObject({ code: 'PATH_REFUSED' });
		});

		test('takes all characters that names may hold', async () => {
			const key = 'A-Za-z/20261122T020000Z-full-a1b2c3/x_y.z=1+2@3.zst';
			await store.put(key, chunks('x'), { signal });
			expect(await keys('')).toEqual([key]);
		});

		test('checks itself and leaves nothing behind', async () => {
			await store.check(signal);
			expect(await keys('')).toEqual([]);
			const free = await store.freeBytes();
			expect(free === undefined || free > 0).toBe(true);
		});
	});
}
