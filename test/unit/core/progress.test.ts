import { type ProgressEvent, ProgressMemory } from '../../../lib/core/progress';

const START = Date.parse('2026-11-01T02:00:00.000Z');

function memory(): { memory: ProgressMemory; passed: ProgressEvent[]; tell: (second: number, event: ProgressEvent) => void } {
	let second = 0;
	const passed: ProgressEvent[] = [];
	const remembered = new ProgressMemory((event) => passed.push(event), () => new Date(START + second * 1000));
	const tell = (at: number, event: ProgressEvent) => {
		second = at;
		remembered.reporter(event);
	};
	return { memory: remembered, passed, tell };
}

test('nothing was told: nothing is known', () => {
	expect(memory().memory.latest()).toBeNull();
});

test('the rate is the average since the step began, and a new step begins anew', () => {
	const { memory: told, tell } = memory();
	tell(0, { step: 'Dumping crm', done: 100, unit: 'bytes' });
	expect(told.latest()).toEqual({ step: 'Dumping crm', done: 100, total: null, unit: 'bytes', perSecond: null, at: '2026-11-01T02:00:00.000Z' });
	tell(4, { step: 'Dumping crm', done: 900, total: 2000, unit: 'bytes' });
	expect(told.latest()).toEqual({ step: 'Dumping crm', done: 900, total: 2000, unit: 'bytes', perSecond: 200, at: '2026-11-01T02:00:04.000Z' });
	tell(5, { step: 'Counting rows' });
	expect(told.latest()).toMatchObject({ step: 'Counting rows', done: null, unit: null, perSecond: null });
	tell(6, { step: 'Counting rows', done: 0, total: 7, unit: 'tables' });
	tell(8, { step: 'Counting rows', done: 1, total: 7, unit: 'tables' });
	expect(told.latest()).toMatchObject({ done: 1, total: 7, perSecond: 0.5 });
});

test('a warning is passed on and is not a step', () => {
	const { memory: told, passed, tell } = memory();
	tell(0, { step: 'Dumping crm', done: 1, unit: 'bytes' });
	tell(1, { step: 'Warning: a lock could not be released' });
	expect(told.latest()).toMatchObject({ step: 'Dumping crm' });
	expect(passed).toHaveLength(2);
});
