import { copyWal, type CopyWalOptions } from '../../../lib/copy/copy-wal';
import { failure } from '../../support/failure';
import { testContext, type TestContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';
import { archive, archiveHistory, SYSTEM } from '../../support/wal-fixtures';

let source: MemoryStore;
let target: MemoryStore;
let context: TestContext;
beforeEach(async () => {
	source = new MemoryStore();
	target = new MemoryStore();
	context = await testContext();
	await archive(source, 2, 12.5);
	await archive(source, 5, 5.5);
	await archiveHistory(source, 2, [[1, 12.25]]);
	await archive(source, 12, 14, { timeline: 2 });
});
afterEach(async () => await context.remove());

const copy = async (options: Partial<CopyWalOptions> = {}) => await copyWal({ source, target, recheck: false, lockWaitSeconds: 0, ...options }, context);
const walOf = (store: MemoryStore) => Object.fromEntries(store.keys('wal/').map((key) => [key, store.objects.get(key)!.content.toString('hex')]));

test('brings every object over byte for byte, and nothing twice', async () => {
	const outcome = await copy();
	expect(outcome).toMatchObject({ copied: 14, servers: [{ systemIdentifier: SYSTEM, copied: 14, present: 0 }] });
	// A piece whose segment is whole is of no use.
	const expected = Object.fromEntries(Object.entries(walOf(source)).filter(([key]) => !key.includes('000000010000000000000005.from')));
	expect(walOf(target)).toEqual(expected);
	expect(await copy()).toMatchObject({ copied: 0, copiedBytes: 0, servers: [{ present: 14 }] });
	await archive(source, 14, 15, { timeline: 2 });
	expect(await copy()).toMatchObject({ copied: 1 });
});

test('goes on where it was interrupted, with the record last', async () => {
	let puts = 0;
	const put = target.put.bind(target);
	target.put = async (key, bytes, options) => {
		if (key.startsWith('wal/') && ++puts === 9) context.abort();
		return await put(key, bytes, options);
	};
	expect(await failure(copy())).toMatchObject({ code: 'CANCELLED' });
	const records = target.keys('wal/').filter((key) => key.endsWith('.json'));
	for (const record of records) expect(target.keys('wal/').some((key) => key.startsWith(record.replace(/json$/, 'zst')))).toBe(true);
	target.put = put;
	await context.remove();
	context = await testContext();
	await copy();
	expect(target.keys('wal/')).toHaveLength(28);
});

test('repairs damaged copies on request, refuses other bytes of the same name, copies no damaged source', async () => {
	await copy();
	const [damaged] = target.keys('wal/').filter((key) => key.endsWith('0000000000000003.zst'));
	const { content, modifiedAt } = target.objects.get(damaged!)!;
	target.objects.set(damaged!, { content: Buffer.from(content.map((byte, at) => (at === 9 ? byte ^ 1 : byte))), modifiedAt });
	expect(await copy()).toMatchObject({ copied: 0 });
	expect(await copy({ recheck: true })).toMatchObject({ copied: 1 });
	expect(target.objects.get(damaged!)!.content.equals(content)).toBe(true);

	await archive(source, 7, 8, { bytes: 'of another server' });
	expect(await failure(copy({ recheck: true }))).toMatchObject({ code: 'WAL_INVALID' });
	const [later] = source.keys('wal/').filter((key) => key.endsWith('0000000000000004.zst'));
	source.objects.set(later!, { content: Buffer.from('x'), modifiedAt: new Date() });
	target = new MemoryStore();
	expect(await failure(copy())).toMatchObject({ code: 'ARTIFACT_DAMAGED' });
	expect(target.keys('wal/').some((key) => key.includes('0000000000000004'))).toBe(false);
});

test('only what was archived lately, when asked', async () => {
	let minute = 0;
	source = new MemoryStore();
	source.now = () => new Date(Date.UTC(2026, 10, 22) + minute * 60_000);
	for (; minute < 20; minute++) await archive(source, minute, minute + 1);
	expect(await copy({ withinHours: 5 / 60 })).toMatchObject({ copied: 6 });
});
