import { NO_KEYS } from '../../../../lib/core/keys';
import { formatLsn } from '../../../../lib/postgres/replication/lsn';
import { readWalIndex } from '../../../../lib/postgres/wal/archive-index';
import { coveredWindow, walAfter, walFor } from '../../../../lib/postgres/wal/covered-window';
import { removeCoveredPieces } from '../../../../lib/postgres/wal/remove-covered-pieces';
import { MemoryStore } from '../../../support/memory-store';
import { archive, archiveHistory, baseDetailsOf, mb, MEGABYTE, minute, NEVER_ABORTED, SYSTEM } from '../../../support/wal-fixtures';

const reading = { keys: NO_KEYS, signal: NEVER_ABORTED };
const server = { systemIdentifier: SYSTEM, segmentBytes: MEGABYTE };
const lsn = (megabytes: number) => formatLsn(mb(megabytes));

let store: MemoryStore;
beforeEach(() => (store = new MemoryStore()));

async function windowOf(base: ReturnType<typeof baseDetailsOf>, timeline: number | null = null) {
	const index = await readWalIndex(store, server, reading);
	const path = walAfter(index, base, timeline);
	return { index, path, names: path.parts.map(({ name }) => name), window: await coveredWindow(store, index, base, path, reading) };
}

test('follows whole segments and pieces without a gap, and says the window as two times', async () => {
	await archive(store, 2, 6);
	await archive(store, 6, 6.25, { commit: 6 });
	await archive(store, 6.25, 6.5, { commit: null, sent: 9 });
	const { window, names, path } = await windowOf(baseDetailsOf(3.5, 4.5));
	expect(names).toHaveLength(5);
	expect(window).toEqual({
		from: minute(4.5),
		// A little before the moment of sending: what was committed in that moment may not have been sent.
		to: '2026-11-22T00:08:59.750000Z',
		lastCommitAt: minute(6),
		fromLsn: lsn(4.5),
		toLsn: lsn(6.5),
		timeline: 1,
		ends: 'nothing later is archived',
	});
	expect(path.gap).toBeNull();
	expect(await readWalIndex(store, { ...server, systemIdentifier: '9' }, reading)).toMatchObject({ parts: new Map() });
});

test('a whole segment replaces its pieces, and of pieces that begin together the longest counts', async () => {
	await archive(store, 3, 3.25);
	await archive(store, 3, 3.5);
	await archive(store, 3.25, 3.5);
	expect((await windowOf(baseDetailsOf(3, 3.1))).names).toEqual(['000000010000000000000003.from-0-to-80000']);
	await archive(store, 3, 4);
	expect((await windowOf(baseDetailsOf(3, 3.1))).names).toEqual(['000000010000000000000003']);
});

test('names the segment that is missing', async () => {
	await archive(store, 2, 5);
	await archive(store, 6, 8);
	const { window, path } = await windowOf(baseDetailsOf(2, 3));
	expect(window).toMatchObject({ toLsn: lsn(5), to: minute(5), ends: `000000010000000000000005 is missing from ${lsn(5)} on, though later ones are archived` });
	expect(path.gap).toMatchObject({ segment: '000000010000000000000005' });
	// What is missing before the end of the backup is inside the backup.
	const alone = await windowOf(baseDetailsOf(5, 5.5));
	expect(alone.window).toMatchObject({ from: minute(5.5), to: minute(5.5), toLsn: lsn(5.5), lastCommitAt: null });
	expect(alone.window.ends).toMatch(/000000010000000000000005 is missing/);
	expect((await windowOf(baseDetailsOf(20, 21))).window.ends).toMatch(/with which it would begin, is not archived/);
});

test('follows a promotion through the new timeline’s own copy of the segment, never what the old one wrote afterwards', async () => {
	await archive(store, 2, 4);
	// The old primary went on after the standby was promoted at 4.5.
	await archive(store, 4, 6);
	await archiveHistory(store, 2, [[1, 4.5]]);
	const ended = await windowOf(baseDetailsOf(2, 3));
	expect(ended.names).toEqual(['000000010000000000000002', '000000010000000000000003']);
	await archive(store, 4, 7, { timeline: 2 });
	const { names, window } = await windowOf(baseDetailsOf(2, 3));
	expect(names).toEqual(['000000010000000000000002', '000000010000000000000003', '000000020000000000000004', '000000020000000000000005', '000000020000000000000006']);
	expect(window).toMatchObject({ timeline: 2, toLsn: lsn(7) });
	expect((await windowOf(baseDetailsOf(2, 3), 1)).window).toMatchObject({ timeline: 1, toLsn: lsn(6) });
	// A backup of the old primary after the switch does not lead to the new timeline.
	expect((await windowOf(baseDetailsOf(4.6, 5))).window).toMatchObject({ timeline: 1, toLsn: lsn(6) });
	await expect(windowOf(baseDetailsOf(4.6, 5), 2)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
	await expect(windowOf(baseDetailsOf(2, 3), 7)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });

	await archiveHistory(store, 3, [[1, 4.5], [2, 6.25]]);
	await archive(store, 6, 6.25, { timeline: 2 });
	await archive(store, 6, 6.5, { timeline: 3 });
	expect((await windowOf(baseDetailsOf(2, 3))).window).toMatchObject({ timeline: 3, toLsn: lsn(6.5) });
	// Without the new timeline's copy the pieces up to the switch lead there all the same.
	await store.remove('wal/7100000000000000001/00000003/000000030000000000000006.from-0-to-80000.json');
	await archive(store, 6.25, 6.75, { timeline: 3 });
	expect((await windowOf(baseDetailsOf(2, 3))).names.slice(-2)).toEqual(['000000020000000000000006.from-0-to-40000', '000000030000000000000006.from-40000-to-C0000']);
});

test('the records for a target are those up to a later commit, histories first', async () => {
	await archive(store, 2, 40);
	await archiveHistory(store, 2, [[1, 30.5]]);
	await archive(store, 30, 40, { timeline: 2 });
	const { index, path } = await windowOf(baseDetailsOf(2, 3));
	const files = async (target: Parameters<typeof walFor>[3]) => (await walFor(store, index, path, target, reading)).map(({ file }) => file);
	const all = await files({ by: 'latest' });
	expect(all).toHaveLength(39);
	expect(all[0]).toBe('00000002.history');
	expect(all.at(-1)).toBe('000000020000000000000027');
	// Segment n ends with a commit at minute n + 1.
	expect((await files({ by: 'time', time: minute(10.5) })).at(-1)).toBe('00000001000000000000000B');
	expect((await files({ by: 'time', time: minute(11) })).at(-1)).toBe('00000001000000000000000C');
	expect((await files({ by: 'lsn', lsn: lsn(7.5) })).at(-1)).toBe('000000010000000000000008');
	expect(await files({ by: 'time', time: minute(100) })).toEqual(all);
});

test('a server clock that was set back: the log up to where it first passes a time, and the window of the newer clock', async () => {
	await archive(store, 2, 5, { commit: 100 });
	await archive(store, 5, 6, { commit: 120 });
	await archive(store, 6, 7, { commit: 50 });
	await archive(store, 7, 9, { commit: 60, sent: 65 });
	const { index, path, window } = await windowOf(baseDetailsOf(2, 3));
	expect(window).toMatchObject({ to: '2026-11-22T01:04:59.750000Z', lastCommitAt: minute(60) });
	const last = async (minutes: number) => (await walFor(store, index, path, { by: 'time', time: minute(minutes) }, reading)).at(-1)?.file.slice(-1);
	// PostgreSQL stops at the first commit that is younger, and asks for one segment more at most.
	expect(await last(55)).toBe('3');
	expect(await last(110)).toBe('6');
	expect(await last(130)).toBe('8');
});

test('pieces of a segment that has been archived as a whole for an hour are removed, and nothing else', async () => {
	await archive(store, 2, 2.5);
	await archive(store, 2.5, 3);
	await archive(store, 2, 4);
	await archive(store, 4, 4.5);
	await archive(store, 2, 2.5, { timeline: 2 });
	const before = store.keys();
	const pieces = before.filter((key) => key.includes('/00000001/') && key.includes('02.from-'));
	expect(pieces).toHaveLength(4);
	const removeAfter = async (minutes: number) => await removeCoveredPieces(store, await readWalIndex(store, server, reading), new Date(Date.now() + minutes * 60_000), NEVER_ABORTED);
	// Whoever listed the archive a while ago may still read them.
	await removeAfter(59);
	expect(store.keys()).toEqual(before);
	// A damaged record hinders nobody.
	store.objects.set(pieces.find((key) => key.endsWith('.json'))!, { content: Buffer.from('{'), modifiedAt: new Date() });
	await removeAfter(61);
	expect(store.keys()).toEqual(before.filter((key) => !pieces.includes(key)));
});
