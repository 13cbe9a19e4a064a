import fc from 'fast-check';
import { segmentName } from '../../../lib/postgres/replication/wal-segment';
import { partOf, type WalIndex, type WalPart } from '../../../lib/postgres/wal/archive-index';
import { pieceName } from '../../../lib/postgres/wal/wal-archive';
import { followWal } from '../../../lib/postgres/wal/wal-path';
import { planRetention } from '../../../lib/retention/plan-retention';
import { planWal, spansOf, type WalBase, type WalPlanInput, windowBases } from '../../../lib/retention/plan-wal';
import { retentionPolicySchema } from '../../../lib/retention/policy';
import { summaryOf } from '../../support/backup-fixtures';
import { times } from '../../support/breadth';
import { mb, MEGABYTE, SYSTEM } from '../../support/wal-fixtures';

const HOUR = 3_600_000;
const at = (hours: number) => new Date(Date.UTC(2026, 10, 1) + hours * HOUR);

/** Part of the log in megabytes; an hour is a megabyte, from the timeline's `offset` on. */
function part(timeline: number, from: number, to: number, hour = to): WalPart {
	const file = segmentName(timeline, mb(Math.floor(from)), MEGABYTE);
	const whole = from === Math.floor(from) && to === from + 1;
	const name = whole ? file : pieceName(file, Number(mb(from % 1)), Number(mb(to - Math.floor(from))));
	return partOf({ name, timeline, recordKey: name, archivedAt: at(hour) }, MEGABYTE)!;
}

function indexOf(parts: readonly WalPart[], histories: readonly (readonly [number, readonly (readonly [number, number])[]])[] = [], closed: readonly number[] = []): WalIndex {
	const timelines = [...new Set(parts.map(({ timeline }) => timeline))].sort();
	return {
		systemIdentifier: SYSTEM,
		segmentBytes: MEGABYTE,
		parts: new Map(timelines.map((timeline) => [timeline, parts.filter((each) => each.timeline === timeline)])),
		histories: new Map(histories.map(([timeline, ancestors]) => [timeline, ancestors.map(([of, lsn]) => ({ timeline: of, at: mb(lsn) }))])),
		historyObjects: [],
		closedHistories: new Set(closed),
	};
}

function base(from: number, to: number, changes: Partial<WalBase> & { offset?: number } = {}): WalBase {
	const { offset = 0, ...rest } = changes;
	return { id: `base-${from}`, timeline: 1, startLsn: mb(from), endLsn: mb(to), endedAt: at(to + offset), restorable: true, inUse: false, ...rest };
}

const segments = (timeline: number, from: number, to: number, offset = 0) => Array.from({ length: to - from }, (_, n) => part(timeline, from + n, from + n + 1, from + n + 1 + offset));

const plan = (input: Partial<WalPlanInput> & Pick<WalPlanInput, 'index'>) => planWal({ bases: [], unreadable: [], windowHours: 24, now: at(100), ...input });
const kept = (decisions: ReturnType<typeof planWal>) => decisions.filter(({ action }) => action === 'keep').map(({ part: { name } }) => name);

test('keeps from the newest base that ended before the window on, and what makes older ones consistent', () => {
	const index = indexOf(segments(1, 0, 100));
	const bases = [base(10.5, 12.2), base(40, 41), base(60.5, 61), base(90, 91)];
	const decisions = plan({ index, bases });
	const numbers = decisions.filter(({ action }) => action === 'keep').map(({ part: { segment } }) => Number(segment / mb(1)));
	expect(numbers).toEqual([10, 11, 12, 40, 41, ...Array.from({ length: 40 }, (_, n) => 60 + n)]);
	expect(spansOf(decisions)).toEqual([
		{ timeline: 1, fromLsn: '0/0', toLsn: '0/A00000', objects: 10, action: 'delete', reason: 'older than the window of 24 hours, and no base backup needs it' },
		expect.objectContaining({ fromLsn: '0/A00000', objects: 3, action: 'keep', reason: 'base backup base-10.5 needs it to be consistent' }),
		expect.objectContaining({ objects: 27, action: 'delete' }),
		expect.objectContaining({ objects: 2, action: 'keep' }),
		expect.objectContaining({ objects: 18, action: 'delete' }),
		expect.objectContaining({ objects: 40, action: 'keep', reason: 'it follows base-60.5, the newest base backup that ended before the window of 24 hours' }),
	]);
	// A damaged one is not counted on, one in use keeps all that follows it.
	expect(kept(plan({ index, bases: [base(40, 41), base(60, 61, { restorable: false })] }))[0]).toBe(segmentName(1, mb(40), MEGABYTE));
	expect(kept(plan({ index, bases: [base(20, 21, { inUse: true }), base(60, 61)] }))).toHaveLength(80);
});

test('keeps everything while anything is not certain', () => {
	const index = indexOf(segments(1, 0, 100));
	expect(kept(plan({ index }))).toHaveLength(100);
	expect(kept(plan({ index, bases: [base(60, 61)], unreadable: ['x'] }))).toHaveLength(100);
	expect(kept(plan({ index, bases: [base(60, 61, { restorable: false })] }))).toHaveLength(100);
	// None ended before the window: all that follows the oldest.
	expect(kept(plan({ index, bases: [base(90, 91), base(80, 81)] }))).toHaveLength(25);
	const promoted = indexOf([...segments(1, 0, 50), ...segments(2, 49, 100)], [], [2]);
	expect(kept(plan({ index: promoted, bases: [base(20, 21), base(60, 61, { timeline: 2 })] }))).toHaveLength(101);
});

test('an archive that nobody feeds any more does not shrink', () => {
	const index = indexOf(segments(1, 0, 100));
	const bases = [base(40, 41), base(90, 91), base(150, 151)];
	for (const now of [100, 130, 500, 5000]) expect(kept(plan({ index, bases, now: at(now) }))).toHaveLength(60);
});

test('after recovery to a point in time the new timeline keeps the old base that leads to it', () => {
	// Timeline 1 went to 80; somebody recovered to 30, and timeline 2 went on from there, 60 hours later.
	const index = indexOf([...segments(1, 0, 80), ...segments(2, 30, 42, 60)], [[2, [[1, 30.5]]]]);
	const bases = [base(10, 11), base(70, 71)];
	const decisions = plan({ index, bases, now: at(102) });
	const kept2 = decisions.filter(({ action, part: { timeline, segment } }) => action === 'keep' && (timeline === 2 || (segment >= mb(10) && segment < mb(31))));
	expect(kept2).toHaveLength(12 + 21);
	expect(kept(decisions)).not.toContain(segmentName(1, mb(9), MEGABYTE));
	// Once the new timeline has a base of its own before the window, nothing else is needed but what makes the others consistent.
	const later = plan({ index: indexOf([...segments(1, 0, 80), ...segments(2, 30, 80, 60)], [[2, [[1, 30.5]]]]), bases: [...bases, base(40, 41, { timeline: 2, offset: 60 })], now: at(140) });
	expect(kept(later)).toHaveLength(2 + 2 + 2 + 40);
});

test('pieces go once their segment is there', () => {
	const pieces = [part(1, 95, 95.25), part(1, 95.25, 95.5), part(1, 99.5, 99.75)];
	const decisions = plan({ index: indexOf([...segments(1, 0, 100), ...pieces]), bases: [base(60, 61)], now: at(100.5) });
	expect(decisions.filter(({ part: { whole } }) => !whole).map(({ action }) => action)).toEqual(['delete', 'delete', 'keep']);
});

const world = fc.record({
	length: fc.integer({ min: 5, max: 60 }),
	/** Where timeline 2 leaves timeline 1, and timeline 3 one of them, and how much later. */
	switches: fc.array(fc.record({ at: fc.integer({ min: 1, max: 200 }), length: fc.integer({ min: 1, max: 60 }), later: fc.integer({ min: 0, max: 60 }), from: fc.nat(1) }), { maxLength: 2 }),
	bases: fc.array(fc.record({ timeline: fc.integer({ min: 1, max: 3 }), at: fc.nat(200), takes: fc.integer({ min: 1, max: 12 }), restorable: fc.boolean() }), { maxLength: 6 }),
	holes: fc.array(fc.nat(200), { maxLength: 2 }),
	windowHours: fc.integer({ min: 1, max: 40 }),
	idle: fc.integer({ min: 0, max: 60 }),
});

/** A history of a server as its archive and base backups tell it. */
function build({ length, switches, bases, holes, windowHours, idle }: typeof world extends fc.Arbitrary<infer World> ? World : never) {
	const lines = [{ timeline: 1, begin: 0, end: length, offset: 0, history: [] as [number, number][] }];
	for (const { at: where, length: more, later, from } of switches) {
		const parent = lines[Math.min(from, lines.length - 1)]!;
		const left = parent.begin + (where / 200) * (parent.end - parent.begin);
		const cut = Math.floor(left * 4) / 4;
		lines.push({ timeline: lines.length + 1, begin: cut, end: Math.ceil(cut) + more, offset: lines.at(-1)!.end + lines.at(-1)!.offset - cut + later, history: [...parent.history, [parent.timeline, cut]] });
	}
	const parts = lines.flatMap(({ timeline, begin, end, offset }) => segments(timeline, Math.floor(begin), end, offset)).filter((_, n) => !holes.includes(n));
	const taken = bases.flatMap(({ timeline, at: where, takes, restorable }, n) => {
		const line = lines[timeline - 1];
		if (!line) return [];
		const from = line.begin + (where / 200) * (line.end - line.begin);
		return [base(from, Math.min(line.end, from + takes / 4), { id: `b${n}`, timeline, offset: line.offset, restorable })];
	});
	const last = lines.at(-1)!;
	const now = at(last.end + last.offset + idle);
	const history = lines.map(({ timeline, history: of }) => [timeline, of] as const).filter(([timeline]) => timeline > 1);
	const index = indexOf(parts, history);
	return { last, taken, parts, history, index, now, windowHours };
}

test('whatever could be recovered inside the window still can, and every base keeps what it needs', () => {
	let deletions = 0;
	fc.assert(
		fc.property(world, (described) => {
			const { last, taken, parts, history, index, now, windowHours } = build(described);
			const decisions = planWal({ index, bases: taken, unreadable: [], windowHours, now });
			expect(decisions).toHaveLength(parts.length);
			deletions += decisions.filter(({ action }) => action === 'delete').length;
			const after = indexOf(decisions.filter(({ action }) => action === 'keep').map(({ part: each }) => each), history);

			// The newest timeline is the one in use.
			const asOf = Math.min(now.getTime(), Math.max(...parts.filter(({ timeline }) => timeline === last.timeline).map(({ archivedAt }) => archivedAt.getTime()), -Infinity));
			const reach = (of: WalIndex, from: WalBase) => followWal(of, from, last.timeline);
			const leads = taken.filter(({ restorable, timeline, endLsn }) => {
				if (!restorable) return false;
				const left = last.history.find(([line]) => line === timeline);
				return timeline === last.timeline || (left !== undefined && endLsn <= mb(left[1]));
			});
			for (const each of parts.filter(({ timeline, archivedAt }) => timeline === last.timeline && archivedAt.getTime() >= asOf - windowHours * HOUR)) {
				const reachable = (of: WalIndex) => leads.some((from) => from.endLsn <= each.end && reach(of, from).end >= each.end);
				if (reachable(index)) expect(reachable(after)).toBe(true);
			}
			for (const { timeline, startLsn, endLsn } of taken) {
				const needed = (of: WalIndex) => (of.parts.get(timeline) ?? []).filter(({ start, end }) => end > startLsn && start < endLsn).length;
				expect(needed(after)).toBe(needed(index));
			}
		}),
		{ numRuns: 400 },
	);
	expect(deletions).toBeGreaterThan(500);
});

test('retention keeps what the window begins with: what could be recovered inside it still can, however short base backups are kept', () => {
	let deletions = 0;
	fc.assert(
		fc.property(world, fc.integer({ min: 0, max: 3 }), (described, keepDays) => {
			const { last, taken, parts, history, index, now, windowHours } = build(described);
			const input = { index, bases: taken, unreadable: [], windowHours, now };
			const backups = taken.map(({ id, endedAt, restorable }) => summaryOf({ id, kind: 'base', startedAt: endedAt.toISOString(), status: restorable ? 'success' : 'damaged' }));
			const policy = retentionPolicySchema.parse({ keepLastVerified: 1, keepDays });
			const kept = planRetention({ backups, newestRuns: [], policy, now, inUse: new Set(), windowBases: windowBases(input) }).filter(({ action }) => action === 'keep').map(({ id }) => id);
			deletions += taken.length - kept.length;
			const left = taken.filter(({ id }) => kept.includes(id));
			const after = indexOf(planWal({ ...input, bases: left }).filter(({ action }) => action === 'keep').map(({ part: each }) => each), history);
			const asOf = Math.min(now.getTime(), Math.max(...parts.filter(({ timeline }) => timeline === last.timeline).map(({ archivedAt }) => archivedAt.getTime()), -Infinity));
			const leads = (of: WalIndex, from: readonly WalBase[], to: WalPart) =>
				from.some(({ restorable, timeline, startLsn, endLsn }) => {
					const switched = last.history.find(([line]) => line === timeline);
					if (!restorable || endLsn > to.end || (timeline !== last.timeline && !(switched && endLsn <= mb(switched[1])))) return false;
					return followWal(of, { timeline, startLsn, endLsn }, last.timeline).end >= to.end;
				});
			for (const each of parts.filter(({ timeline, archivedAt }) => timeline === last.timeline && archivedAt.getTime() >= asOf - windowHours * HOUR)) {
				if (leads(index, taken, each)) expect(leads(after, left, each)).toBe(true);
			}
		}),
		{ numRuns: times(200, 1000) },
	);
	expect(deletions).toBeGreaterThan(20);
});
