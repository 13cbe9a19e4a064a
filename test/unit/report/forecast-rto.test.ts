import fc from 'fast-check';
import type { RecoverySummary } from '../../../lib/catalog/recovery-summary';
import { forecastRto } from '../../../lib/report/forecast-rto';

const DAY = 86_400_000;

function drill(month: number, stages: Record<string, number>, state: RecoverySummary['state'] = 'succeeded'): RecoverySummary {
	const startedAt = new Date(Date.UTC(2026, 0, 1) + month * 30 * DAY).toISOString();
	return {
		id: `drill-${month}`,
		name: 'Recovery: Drill',
		state,
		explanation: '',
		by: '',
		asked: {},
		startedAt,
		finishedAt: startedAt,
		// Waiting between stages, and between attempts, is no time that a recovery takes.
		seconds: 1_000_000,
		attempts: 1,
		run: 'r',
		execution: '',
		stages: Object.entries(stages).map(([stage, seconds]) => ({ stage, state: 'done', startedAt, finishedAt: startedAt, seconds, tries: 1, detail: '', result: null, error: null })),
		nextStage: null,
		decisions: [],
		results: {},
	};
}

test('without a drill that succeeded it says nothing', () => {
	expect(forecastRto([drill(1, { database: 60 }, 'failed'), drill(2, { database: 60 }, 'abandoned')], 3600)).toMatchObject({ seconds: null, reached: null, drills: 0 });
});

test('one drill gets a margin of a half', () => {
	expect(forecastRto([drill(1, { database: 600, files: 200 })], 3600)).toMatchObject({ seconds: 1200, reached: true, lastSeconds: 800, stages: [{ stage: 'database', expectedSeconds: 600 }, { stage: 'files' }] });
});

test('growth is gone on with, so that a target is said to be missed before it is', () => {
	const drills = Array.from({ length: 8 }, (_, month) => drill(month, { database: 2000 + 200 * month }));
	const forecast = forecastRto(drills, 3500);
	expect(forecast).toMatchObject({ lastSeconds: 3400, seconds: 3600, reached: false, drills: 8 });
	expect(forecast.explanation).toContain('missed');
});

test('one slow drill moves the forecast little', () => {
	const drills = [100, 101, 99, 100, 900, 102, 100].map((seconds, month) => drill(month, { database: seconds }));
	expect(forecastRto(drills, 3600).seconds).toBeLessThan(115);
});

test('a stage that the newest drill did not have counts for nothing', () => {
	expect(forecastRto([drill(1, { database: 100, redis: 5000 }), drill(2, { database: 100 })], 3600).stages).toEqual([expect.objectContaining({ stage: 'database', expectedSeconds: 100 })]);
});

test('it is finite, never negative, and does not depend on the order', () => {
	const times = fc.array(fc.record({ database: fc.integer({ min: 0, max: 100_000 }), files: fc.integer({ min: 0, max: 100_000 }) }), { minLength: 1, maxLength: 15 });
	fc.assert(
		fc.property(times, fc.integer({ min: 1, max: 10_000 }), (all, target) => {
			const drills = all.map((stages, month) => drill(month, stages));
			const forecast = forecastRto(drills, target);
			expect(forecast.seconds).toBeGreaterThanOrEqual(0);
			expect(Number.isFinite(forecast.seconds)).toBe(true);
			expect(forecast.reached).toBe(forecast.seconds! <= target);
			expect(forecastRto([...drills].reverse(), target)).toEqual(forecast);
		}),
	);
});
