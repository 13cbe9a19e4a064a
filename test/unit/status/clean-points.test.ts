import fc from 'fast-check';
import type { RecoveryPointSummary } from '../../../lib/catalog/recovery-point-summary';
import { findCleanPoints } from '../../../lib/status/clean-points';
import { judgeBackups, type Sample } from '../../../lib/status/judge-backups';
import type { Measures } from '../../../lib/status/measures';
import { dayOf, seeded, WORLDS } from '../../support/simulated-histories';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const at = (day: number) => new Date(START + day * DAY).toISOString();

const sample = (day: number, kind: Sample['kind'], measures: Measures, component: Sample['component'] = 'files'): Sample => ({ id: `${component}-${String(day).padStart(3, '0')}`, component, kind, source: component === 'files' ? 'uploads' : 'crm', startedAt: at(day), measures });

const point = (day: number, samples: readonly Sample[], complete = true): RecoveryPointSummary => ({
	id: `point-${String(day).padStart(3, '0')}`,
	name: 'Backup: Full',
	recordedAt: new Date(START + day * DAY + 3_600_000).toISOString(),
	complete,
	state: '',
	members: samples.filter(({ startedAt }) => startedAt === at(day)).map(({ id, component, kind, source, startedAt }) => ({ component, kind, source, backup: id, asOf: { from: startedAt, to: startedAt, exact: true }, state: 'present', verified: null })),
	missing: [],
	span: null,
	store: 'memory',
});

const points = (samples: readonly Sample[], days: number) => Array.from({ length: days }, (_, back) => point(days - 1 - back, samples));

const QUIET: Measures = { files: 1000, changedShare: 0.01, deletedShare: 0 };

describe('files that are encrypted once and then left alone', () => {
	// Day 10: nearly everything changed; from then on as quiet as before.
	const samples = Array.from({ length: 20 }, (_, day) => sample(day, 'incremental', day === 10 ? { ...QUIET, changedShare: 0.8 } : QUIET));
	const found = findCleanPoints(points(samples, 20), judgeBackups(samples));

	test('the day before is proposed, although later days look like any other', () => {
		expect(found.proposed).toBe('point-009');
		expect(found.firstSign).toBe(at(10));
		expect(found.explanation).toContain('10 newer ones were passed over');
	});
	test('everything since is suspicious and says why', () => {
		expect(found.points.filter(({ verdict }) => verdict === 'suspicious')).toHaveLength(10);
		expect(found.points[0]!.reasons.join(' ')).toContain('files-010');
		expect(found.points.find(({ recoveryPoint }) => recoveryPoint === 'point-010')!.reasons.join(' ')).toContain('80.0 % of all files changed');
	});
	test('the first days are unknown, not clean', () => {
		expect(found.points.slice(-5).map(({ verdict }) => verdict)).toEqual(['unknown', 'unknown', 'unknown', 'unknown', 'unknown']);
	});
});

test('a point is not trusted while another part looks wrecked, also where it holds nothing of that part', () => {
	const samples = Array.from({ length: 12 }, (_, day) => [...(day < 10 ? [sample(day, 'full', { files: 1000, storedShare: 0.5 })] : []), ...(day === 9 ? [] : []), sample(day, 'full', { rows: 1000 }, 'postgres')]).flat();
	const wrecked = samples.map((one) => (one.id === 'files-009' ? { ...one, measures: { files: 1000, storedShare: 1 } } : one));
	const found = findCleanPoints(points(wrecked, 12), judgeBackups(wrecked));
	expect(found.proposed).toBe('point-008');
	expect(found.points[0]).toMatchObject({ verdict: 'suspicious', reasons: [expect.stringContaining('Recorded while files looked wrecked')] });
});

test('after a full backup that fits again, points are trusted again', () => {
	const samples = Array.from({ length: 12 }, (_, day) => sample(day, 'full', day === 7 ? { files: 10, storedShare: 0.5 } : { files: 1000, storedShare: 0.5 }));
	const found = findCleanPoints(points(samples, 12), judgeBackups(samples));
	expect(found.signs).toEqual([expect.objectContaining({ backup: 'files-007', until: at(8) })]);
	expect(found).toMatchObject({ proposed: 'point-011', firstSign: null });
});

test('incomplete points are never proposed, and without points it says so', () => {
	const samples = Array.from({ length: 8 }, (_, day) => sample(day, 'full', { files: 1000 }));
	const all = points(samples, 8).map((one, index) => ({ ...one, complete: index > 1 }));
	expect(findCleanPoints(all, judgeBackups(samples)).proposed).toBe('point-005');
	expect(findCleanPoints([], judgeBackups([]))).toMatchObject({ proposed: null, explanation: expect.stringContaining('There is no recovery point') });
});

test('what is not needed may be gone, and a point of which something needed is gone is not proposed', () => {
	// As after a month: the dump of each day is there, Redis of the older days was pruned.
	const samples = Array.from({ length: 30 }, (_, day) => [sample(day, 'full', { rows: 1000 }, 'postgres'), sample(day, 'full', { files: 1000, storedShare: day < 15 ? 0.5 : 1 }), sample(day, 'full', { keys: 10 } as Measures, 'redis')]).flat();
	const all = points(samples, 30).map((one) => {
		const old = one.id < 'point-023';
		return { ...one, complete: !old, members: one.members.map((member) => (old && member.component === 'redis' ? { ...member, state: 'gone' as const } : member)) };
	});
	const judgement = judgeBackups(samples);
	expect(findCleanPoints(all, judgement).proposed).toBeNull();
	expect(findCleanPoints(all, judgement, ['postgres', 'files']).proposed).toBe('point-014');
	expect(findCleanPoints(all, judgement, ['postgres', 'files', 'redis']).proposed).toBeNull();
});

test('whatever the stack and whenever it strikes, nothing from after the attack is proposed once it is seen', () => {
	fc.assert(
		fc.property(fc.integer({ min: 0, max: WORLDS.length - 1 }), fc.integer({ min: 10, max: 40 }), fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 1000 }), (which, strike, after, seed) => {
			const world = WORLDS[which]!;
			const random = seeded(seed);
			const samples = Array.from({ length: strike + after + 1 }, (_, day) => sample(day, 'incremental', dayOf(world, day, day === strike ? { kind: 'encrypted', share: 0.8 } : { kind: 'none' }, 'incremental', random)));
			const found = findCleanPoints(points(samples, samples.length), judgeBackups(samples));
			expect(found.proposed === null || found.proposed < `point-${String(strike).padStart(3, '0')}`).toBe(true);
			expect(found.points.filter(({ recoveryPoint }) => recoveryPoint >= `point-${String(strike).padStart(3, '0')}`).every(({ verdict }) => verdict === 'suspicious')).toBe(true);
		}),
		{ numRuns: 50 },
	);
});
