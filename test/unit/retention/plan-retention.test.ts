import fc from 'fast-check';
import { seriesOf } from '../../../lib/catalog/series';
import type { BackupSummary } from '../../../lib/catalog/summary';
import type { CompleteRecoveryPoint, NewestRun, RetentionDecision } from '../../../lib/retention/plan';
import { planRetention } from '../../../lib/retention/plan-retention';
import { type RetentionPolicy, retentionPolicySchema } from '../../../lib/retention/policy';
import { summaryOf } from '../../support/backup-fixtures';

const NOW = new Date('2026-11-22T12:00:00Z');
const VERIFIED = { level: 'restore' as const, at: '2026-11-22T03:00:00.000Z' };

const policyOf = (changes: Partial<RetentionPolicy> = {}) => retentionPolicySchema.parse({ keepLastVerified: 1, keepDays: 0, ...changes });

function plan(backups: BackupSummary[], policy: Partial<RetentionPolicy> = {}, more: { newestRuns?: NewestRun[]; inUse?: string[]; recoveryPoints?: CompleteRecoveryPoint[] } = {}) {
	const decisions = planRetention({ backups, policy: policyOf(policy), now: NOW, newestRuns: more.newestRuns ?? [], inUse: new Set(more.inUse ?? []), recoveryPoints: more.recoveryPoints });
	const of = (backup: BackupSummary): RetentionDecision => {
		const found = decisions.find(({ id }) => id === backup.id);
		if (!found) throw new Error(`no decision on ${backup.id}`);
		return found;
	};
	return { decisions, of, kept: backups.filter((backup) => of(backup).action === 'keep') };
}

/** Verified backups, one a day at 02:00 UTC, the newest (today's) first. */
const daily = (count: number, changes: Partial<BackupSummary> = {}) =>
	Array.from({ length: count }, (_, age) => summaryOf({ startedAt: new Date(Date.parse('2026-11-22T02:00:00Z') - age * 86_400_000).toISOString(), verified: VERIFIED, ...changes }));

describe('each rule by itself', () => {
	test('the newest N verified', () => {
		const backups = daily(6);
		expect(plan(backups, { keepLastVerified: 3 }).kept).toEqual(backups.slice(0, 3));
		const mixed = backups.map((backup, index) => (index === 1 ? { ...backup, verified: null } : backup));
		expect(plan(mixed, { keepLastVerified: 3 }).kept).toEqual([mixed[0], mixed[2], mixed[3]]);
	});

	test('the young ones', () => {
		const backups = daily(10);
		const { kept, of } = plan(backups, { keepDays: 4 });
		expect(kept).toEqual(backups.slice(0, 4));
		expect(of(backups[3] as BackupSummary).reasons).toEqual(['younger than 4 days']);
		expect(of(backups[4] as BackupSummary)).toMatchObject({ action: 'delete', reasons: ['older than 4 days, and no other rule keeps it'] });
	});

	test('daily: the newest of each of the last N days that have one', () => {
		const backups = [...daily(3), ...daily(1, { startedAt: '2026-11-22T01:00:00Z' }), ...daily(1, { startedAt: '2026-11-02T01:00:00Z' })];
		expect(plan(backups, { daily: 4 }).kept).toEqual([backups[0], backups[1], backups[2], backups[4]]);
	});

	test('weekly follows ISO weeks, also around New Year', () => {
		const at = (startedAt: string) => summaryOf({ startedAt, verified: VERIFIED });
		const backups = [at('2026-01-05T02:00:00Z'), at('2026-01-04T02:00:00Z'), at('2026-01-01T02:00:00Z'), at('2025-12-29T02:00:00Z'), at('2025-12-28T02:00:00Z')];
		const { kept, of } = plan(backups, { weekly: 3 });
		expect(kept).toEqual([backups[0], backups[1], backups[4]]);
		expect(of(backups[1] as BackupSummary).reasons).toEqual(['the weekly one of 2026-W01']);
	});

	test('monthly and yearly', () => {
		const backups = daily(800);
		const { decisions } = plan(backups, { monthly: 3, yearly: 3 });
		const reasons = decisions.filter(({ action }) => action === 'keep').map(({ reasons: [...all] }) => all.join('; '));
		expect(reasons).toEqual([
			'the newest of its series; number 1 of the newest 1 verified; the monthly one of 2026-11; the yearly one of 2026',
			'the monthly one of 2026-10',
			'the monthly one of 2026-09',
			'the yearly one of 2025',
			'the yearly one of 2024',
		]);
	});

	test('days are those of the time zone', () => {
		const at = (startedAt: string) => summaryOf({ startedAt, verified: VERIFIED });
		const backups = [at('2026-11-22T02:30:00Z'), at('2026-11-21T23:30:00Z'), at('2026-11-21T02:30:00Z')];
		expect(plan(backups, { daily: 9, timeZone: 'UTC' }).kept).toEqual([backups[0], backups[1]]);
		expect(plan(backups, { daily: 9, timeZone: 'America/Sao_Paulo' }).kept).toEqual([backups[0], backups[2]]);
		expect(() => plan(backups, { timeZone: 'Mars/Olympus' })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
	});

	test('a bucket prefers a verified backup to a newer one that is not, and passes over damaged ones', () => {
		const at = (hour: string, changes: Partial<BackupSummary>) => summaryOf({ startedAt: `2026-11-10T${hour}:00:00Z`, ...changes });
		const backups = [...daily(1), at('05', { status: 'damaged' }), at('04', {}), at('03', { verified: VERIFIED })];
		expect(plan(backups, { daily: 2 }).kept).toEqual([backups[0], backups[3]]);
	});

	test('members of the newest N complete recovery points, with all that they need; plans for one component keep theirs', () => {
		const [newest, second, third, fourth] = daily(4) as [BackupSummary, BackupSummary, BackupSummary, BackupSummary];
		const child = { ...third, kind: 'incremental' as const, parent: fourth.id };
		const sibling = summaryOf({ component: 'files', startedAt: '2026-10-01T00:00:00Z', verified: VERIFIED });
		const youngest = summaryOf({ component: 'files', startedAt: '2026-11-01T00:00:00Z', kind: 'full', verified: VERIFIED });
		const point = (id: string, ...members: BackupSummary[]) => ({ id, members: members.map(({ component, id: backup }) => ({ component, backup })) });
		const recoveryPoints = [point('20261101T000000Z-set-000001', second), point('20261102T000000Z-set-000002', child, sibling)];
		const { of } = plan([newest, second, child, fourth, sibling, youngest], { keepRecoveryPoints: 1 }, { recoveryPoints });
		expect(of(child).reasons).toContain('belongs to the recovery point 20261102T000000Z-set-000002');
		expect(of(sibling).reasons).toEqual(['belongs to the recovery point 20261102T000000Z-set-000002']);
		expect(of(fourth).reasons).toEqual([`${child.id} needs it`]);
		expect(of(second).action).toBe('delete');
		expect(plan([newest, second, child, fourth], { keepRecoveryPoints: 2 }, { recoveryPoints }).of(second).action).toBe('keep');
		expect(plan([newest, second, fourth, sibling, youngest], { keepRecoveryPoints: 0 }, { recoveryPoints }).of(sibling).action).toBe('delete');
	});
});

describe('what is never deleted', () => {
	test('the newest of a series, verified or not', () => {
		const backups = daily(3).map((backup, index) => ({ ...backup, verified: index === 2 ? VERIFIED : null }));
		expect(plan(backups).kept).toEqual([backups[0], backups[2]]);
	});

	test('the newest ones while none is verified, and damaged ones with them', () => {
		const backups = daily(5, { verified: null }).map((backup, index) => (index === 1 ? { ...backup, status: 'damaged' as const } : backup));
		const { kept, of } = plan(backups, { keepLastVerified: 2 });
		expect(kept).toEqual([backups[0], backups[1], backups[2]]);
		expect(of(backups[1] as BackupSummary).reasons).toEqual(['damaged, but none of its series is verified']);
	});

	test('a damaged one does not count as verified, and goes when it is old and others are verified', () => {
		const backups = daily(4);
		const damaged = { ...(backups[1] as BackupSummary), status: 'damaged' as const };
		const { kept, of } = plan([backups[0] as BackupSummary, damaged, ...backups.slice(2)], { keepLastVerified: 2 });
		expect(kept).toEqual([backups[0], backups[2]]);
		expect(of(damaged).reasons).toEqual(['damaged, and older than 0 days, and no other rule keeps it']);
	});

	test('anything of a series whose newest run failed or is going on; other series are pruned', () => {
		const crm = daily(4);
		const erp = daily(4, { source: 'erp' });
		for (const outcome of ['failed', 'running'] as const) {
			const run = { series: seriesOf(crm[0] as BackupSummary), outcome, at: '2026-11-22T11:00:00Z' };
			const { kept, of } = plan([...crm, ...erp], {}, { newestRuns: [run] });
			expect(kept).toEqual([...crm, erp[0]]);
			expect(of(crm[3] as BackupSummary).reasons[0]).toContain(outcome === 'failed' ? 'failed' : 'going on');
		}
		const success = { series: seriesOf(crm[0] as BackupSummary), outcome: 'success' as const, at: '2026-11-22T11:00:00Z' };
		expect(plan(crm, {}, { newestRuns: [success] }).kept).toEqual([crm[0]]);
	});

	test('ancestors of what is kept, over several generations', () => {
		const [third, second, first, other] = daily(4) as [BackupSummary, BackupSummary, BackupSummary, BackupSummary];
		const chain = [{ ...third, parent: second.id }, { ...second, parent: first.id }, first, other];
		const { kept, of } = plan(chain);
		expect(kept).toEqual(chain.slice(0, 3));
		expect(of(first).reasons).toEqual([`${second.id} needs it`]);
	});

	test('a verified one whose base is damaged or gone does not count as verified', () => {
		const [third, second, first] = daily(3) as [BackupSummary, BackupSummary, BackupSummary];
		const orphan = { ...third, parent: '20200101T000000Z-full-zzzzzz' };
		expect(plan([orphan, second, first]).of(second).reasons).toContain('number 1 of the newest 1 verified');
		const broken = { ...second, status: 'damaged' as const };
		expect(plan([{ ...third, parent: second.id }, broken, first]).of(first).reasons).toContain('number 1 of the newest 1 verified');
	});

	test('what a running job uses', () => {
		const backups = daily(3);
		expect(plan(backups, {}, { inUse: [backups[2]?.id ?? ''] }).kept).toEqual([backups[0], backups[2]]);
	});

	test('one whose manifest cannot be read, and the older ones of its component, which it may need', () => {
		const backups = daily(5);
		const unreadable = { ...(backups[2] as BackupSummary), status: 'damaged' as const, unreadable: true as const, source: '', verified: null };
		const redis = daily(5, { component: 'redis' });
		const { kept, of } = plan([backups[0], backups[1], unreadable, backups[3], backups[4], ...redis] as BackupSummary[]);
		expect(kept).toEqual([backups[0], unreadable, backups[3], backups[4], redis[0]]);
		expect(of(unreadable).reasons.join()).toContain('by hand');
		expect(of(backups[4] as BackupSummary).reasons).toEqual([`${unreadable.id}, whose manifest cannot be read, may need it`]);
	});

	test('series do not mix: kinds, sources and components each keep their own', () => {
		const backups = [...daily(2), ...daily(2, { kind: 'extract' }), ...daily(2, { kind: 'globals' }), ...daily(2, { source: 'Crm' }), ...daily(2, { component: 'redis' })];
		expect(plan(backups).kept).toEqual(backups.filter((_, index) => index % 2 === 0));
	});

	test('those of the future, when clocks disagree', () => {
		const backups = [...daily(2, { startedAt: '2027-01-01T00:00:00Z' }), ...daily(2)];
		expect(plan(backups, { keepDays: 1 }).kept).toEqual(backups.slice(0, 3));
	});
});

test('an empty catalog is no error, and children come before those that they need', () => {
	expect(plan([]).decisions).toEqual([]);
	const backups = daily(5);
	expect(plan([...backups].reverse()).decisions.map(({ id }) => id)).toEqual(backups.map(({ id }) => id));
});

describe('for any catalog and any policy', () => {
	const hour = 3_600_000;
	const backup = fc.record({
		age: fc.integer({ min: -100, max: 24 * 900 }),
		kind: fc.constantFrom('full' as const, 'incremental' as const, 'extract' as const),
		source: fc.constantFrom('crm', 'erp'),
		state: fc.constantFrom('verified' as const, 'verified' as const, 'unverified' as const, 'damaged' as const, 'unreadable' as const),
		parent: fc.option(fc.nat(30)),
	});
	const catalog = fc.array(backup, { maxLength: 30 }).map((seeds): BackupSummary[] => {
		const summaries = seeds.map(({ age, kind, source, state }) =>
			summaryOf({
				startedAt: new Date(NOW.getTime() - age * hour).toISOString(),
				kind,
				source: state === 'unreadable' ? '' : source,
				status: state === 'damaged' || state === 'unreadable' ? 'damaged' : 'success',
				verified: state === 'verified' || state === 'damaged' ? VERIFIED : null,
				...(state === 'unreadable' && { unreadable: true as const }),
			}),
		);
		// Any shape of chain, also a parent that is missing, newer, or its own descendant.
		return summaries.map((summary, index) => ({ ...summary, parent: summaries[seeds[index]?.parent ?? -1]?.id ?? null }));
	});
	const policy = fc.record({
		keepLastVerified: fc.integer({ min: 1, max: 4 }),
		keepDays: fc.nat(60),
		daily: fc.nat(5),
		weekly: fc.nat(5),
		monthly: fc.nat(5),
		yearly: fc.nat(3),
		keepRecoveryPoints: fc.nat(3),
		timeZone: fc.constantFrom('UTC', 'America/Sao_Paulo', 'Asia/Kolkata', 'Pacific/Auckland'),
	});
	const runs = fc.array(fc.record({ kind: fc.constantFrom('full' as const, 'incremental' as const, 'extract' as const), source: fc.constantFrom('crm', 'erp'), outcome: fc.constantFrom('success' as const, 'failed' as const, 'running' as const) }), { maxLength: 3 });

	test('the promises hold', () => {
		fc.assert(
			fc.property(catalog, policy, runs, fc.array(fc.nat(30), { maxLength: 3 }), fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { maxLength: 5 }), (backups, chosen, outcomes, used, sets) => {
				const newestRuns = outcomes.map(({ outcome, ...rest }) => ({ series: seriesOf({ component: 'postgres', ...rest }), outcome, at: NOW.toISOString() }));
				const inUse = used.flatMap((index) => backups[index]?.id ?? []);
				const recoveryPoints = sets.map((members, number) => ({ id: `20261122T00000${number}Z-set-000000`, members: members.flatMap((index) => backups[index] ?? []).map(({ component, id: backup }) => ({ component, backup })) }));
				const { decisions, of } = plan(backups, chosen, { newestRuns, inUse, recoveryPoints });
				expect(decisions).toHaveLength(backups.length);
				const byId = new Map(backups.map((each) => [each.id, each]));
				const gone = (each: BackupSummary) => of(each).action === 'delete';

				for (const decision of decisions) expect(decision.reasons.length).toBeGreaterThan(0);
				for (const each of backups) {
					const parent = each.parent === null ? undefined : byId.get(each.parent);
					if (!gone(each) && parent) expect(of(parent).action).toBe('keep');
					if (inUse.includes(each.id) || each.unreadable) expect(of(each).action).toBe('keep');
					if (newestRuns.some((run) => run.series === seriesOf(each) && run.outcome !== 'success')) expect(of(each).action).toBe('keep');
					if (new Date(each.startedAt).getTime() > NOW.getTime() - chosen.keepDays * 24 * hour) expect(of(each).action).toBe('keep');
				}
				for (const { members } of [...recoveryPoints].reverse().slice(0, chosen.keepRecoveryPoints)) {
					for (const { backup } of members) expect(of(byId.get(backup) as BackupSummary).action).toBe('keep');
				}
				const intactChain = (each: BackupSummary, depth = 0): boolean => {
					if (each.status === 'damaged' || depth > backups.length) return false;
					const parent = each.parent === null ? undefined : byId.get(each.parent);
					return each.parent === null || (parent !== undefined && intactChain(parent, depth + 1));
				};
				for (const series of new Set(backups.map(seriesOf))) {
					const members = backups.filter((each) => seriesOf(each) === series).sort((a, b) => (a.id < b.id ? 1 : -1));
					const verified = members.filter((each) => each.verified !== null && intactChain(each));
					for (const each of verified.slice(0, chosen.keepLastVerified)) expect(of(each).action).toBe('keep');
					expect(of(members[0] as BackupSummary).action).toBe('keep');
					if (verified.length === 0) {
						for (const each of members.filter(({ status }) => status === 'success').slice(0, chosen.keepLastVerified)) expect(of(each).action).toBe('keep');
						for (const each of members.filter(({ status }) => status === 'damaged')) expect(of(each).action).toBe('keep');
					}
				}
			}),
			{ numRuns: 500 },
		);
	});

	test('planning again after the plan was applied deletes nothing more', () => {
		fc.assert(
			fc.property(catalog, policy, (backups, chosen) => {
				const first = plan(backups, chosen);
				expect(plan(first.kept, chosen).kept).toEqual(first.kept);
			}),
			{ numRuns: 200 },
		);
	});
});
