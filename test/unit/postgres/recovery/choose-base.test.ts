import { type ChosenBase, chooseBase } from '../../../../lib/postgres/recovery/choose-base';
import type { RecoveryTarget } from '../../../../lib/postgres/recovery/target';
import { readRecoveryWindows } from '../../../../lib/postgres/wal/read-recovery-windows';
import { failure } from '../../../support/failure';
import { testContext, type TestContext } from '../../../support/job-context';
import { MemoryStore } from '../../../support/memory-store';
import { archive, archiveHistory, minute, publishBase, SYSTEM } from '../../../support/wal-fixtures';

let store: MemoryStore;
let context: TestContext;
beforeEach(async () => {
	store = new MemoryStore();
	context = await testContext();
});
afterEach(async () => await context.remove());

const choose = async (target: RecoveryTarget, timeline: number | null = null): Promise<ChosenBase> => await chooseBase({ store, base: { by: 'newest' }, target, timeline }, context);
const chosen = async (target: RecoveryTarget, timeline: number | null = null): Promise<number> => Number(BigInt(`0x${(await choose(target, timeline)).found.manifest.basebackup!.startLsn.split('/')[1]!}`)) / 2 ** 20;
const named = (name: string): RecoveryTarget => ({ by: 'name', name });
const xid: RecoveryTarget = { by: 'xid', xid: '742' };

describe('older base backups whose WAL was pruned', () => {
	beforeEach(async () => {
		await publishBase(store, 1, 2);
		await archive(store, 1, 3);
		await publishBase(store, 20, 21);
		await publishBase(store, 30, 31);
		await archive(store, 20, 40, { points: { early: 22.5, 'before migration': 35 } });
	});

	test('a transaction is looked for from the oldest that leads to the end, a restore point from the newest before it', async () => {
		expect(await chosen(xid)).toBe(20);
		expect(await chosen(named('before migration'))).toBe(30);
		expect(await chosen(named('early'))).toBe(20);
		expect(await chosen({ by: 'latest' })).toBe(30);
		expect(await chosen({ by: 'time', time: minute(25.5) })).toBe(20);
	});

	test('a restore point that nobody made is refused, and those that there are are named', async () => {
		const refused = await failure(choose(named('never made')));
		expect(refused).toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringContaining('"before migration"') });
		expect(refused.message).toMatch(/there are "early" .*, "before migration"/);
	});

	test('where WAL was archived without being read, a restore point may be in it', async () => {
		await archive(store, 25, 27, { unread: true });
		expect(await chosen(named('before migration'))).toBe(30);
		expect(await chosen(named('never made'))).toBe(20);
	});
});

test('one that is not on the timeline asked for does not end the search', async () => {
	await publishBase(store, 2, 3);
	await archive(store, 2, 10);
	await archiveHistory(store, 2, [[1, 8.5]]);
	await archive(store, 8, 20, { timeline: 2 });
	await publishBase(store, 12, 13, { timeline: 2 });
	expect(await chosen({ by: 'time', time: minute(9.2) }, 1)).toBe(2);
	expect(await chosen({ by: 'latest' }, 1)).toBe(2);
	expect(await failure(choose({ by: 'latest' }, 7))).toMatchObject({ code: 'TARGET_UNREACHABLE', message: expect.stringMatching(/00000007.history is not in the archive.*00000007.history/s) });
});

test('the newest state is on the newest timeline, though a newer base backup is on the one that was left', async () => {
	await publishBase(store, 2, 3);
	await archive(store, 2, 10);
	await publishBase(store, 7, 8);
	// Somebody recovered to 5.5 and went on from there.
	await archiveHistory(store, 2, [[1, 5.5]]);
	await archive(store, 5, 9, { timeline: 2, commit: 30 });
	expect(await chosen({ by: 'latest' })).toBe(2);
	expect(await chosen(xid)).toBe(2);
	expect(await chosen({ by: 'latest' }, 1)).toBe(7);
	expect((await choose({ by: 'time', time: minute(9.5) })).wal.timeline).toBe(1);
});

test('what is archived of no more than the base backup itself does not take the place of its own WAL', async () => {
	await publishBase(store, 10, 12.5);
	await archive(store, 10, 12.25);
	expect(await choose({ by: 'latest' })).toMatchObject({ records: [], wal: { window: { from: minute(12.5), to: minute(12.5) } } });
	await archive(store, 12.25, 12.75);
	expect((await choose({ by: 'latest' })).records).toHaveLength(4);
});

describe('a piece that vanishes between listing and reading', () => {
	/** As the archiver does: once the segment is there as a whole, its pieces go. */
	async function completeWhileReading(): Promise<void> {
		await publishBase(store, 2, 3);
		await archive(store, 2, 5);
		await archive(store, 5, 5.5);
		let done = false;
		const get = store.get.bind(store);
		store.get = async (key, options) => {
			if (!done && key.includes('05.from-')) {
				done = true;
				await archive(store, 5, 6);
				for (const piece of store.keys(`wal/${SYSTEM}/`).filter((each) => each.includes('.from-'))) await store.remove(piece);
			}
			return await get(key, options);
		};
	}

	test('the archive is listed again', async () => {
		await completeWhileReading();
		const { records, wal } = await choose({ by: 'latest' });
		expect(records.map(({ file, content }) => [file.slice(-1), content])).toEqual(['2', '3', '4', '5'].map((file) => [file, 'segment']));
		expect(wal.window.to).toBe(minute(6));
	});

	test('it is no gap in what can be recovered', async () => {
		await completeWhileReading();
		const { found } = await choose({ by: 'time', time: minute(3.5) });
		await completeWhileReading();
		expect(await readRecoveryWindows(store, [found.manifest], context)).toMatchObject([{ gap: null, to: minute(6) }]);
	});
});

