import { readExpectedRuns, writeExpectedRun } from '../../../lib/catalog/expected-runs';
import { isMissed, takeMissedRuns } from '../../../lib/catalog/missed-runs';
import { readStartedRun, writeStartedRun } from '../../../lib/catalog/started-runs';
import { testContext } from '../../support/job-context';
import { MemoryStore } from '../../support/memory-store';

const NOW = new Date('2026-12-02T12:20:00.000Z');
const NEVER = new AbortController().signal;
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();

describe('a run is missed', () => {
	const daily = { dueAt: ago(1), nextBy: ago(-2) };
	test.each([
		['when it should have begun and nothing is known of it', daily, undefined, true],
		['when the newest beginning is of the run before', daily, ago(25), true],
		['but not while it may be running', daily, ago(1), false],
		['but not before its time, whenever the last one began', { dueAt: ago(-1), nextBy: ago(-4) }, ago(23), false],
		['but not in the first minutes: clocks and starts are late', { dueAt: ago(0.1), nextBy: ago(-3) }, undefined, false],
		['when it began, and did not succeed in all the time that it is given', { dueAt: ago(5), nextBy: ago(1) }, ago(4.9), true],
		['but a short schedule is given three hours too', { dueAt: ago(2.5), nextBy: ago(1) }, ago(2.4), false],
		['when the newest beginning lies in the future', daily, ago(-5), true],
		['only where it is known when it should have begun', { nextBy: ago(30) }, undefined, false],
	])('%s', (_what, schedule, startedAt, expected) => {
		expect(isMissed(schedule, startedAt === undefined ? undefined : { startedAt }, NOW)).toBe(expected);
	});
});

test('what was missed is taken once, the longest overdue first, and counts as begun', async () => {
	const store = new MemoryStore();
	store.now = () => NOW;
	const schedule = (id: string, dueAt: string) => ({ id, name: `Backup: ${id}`, succeededAt: ago(30), nextBy: ago(-3), dueAt });
	await writeExpectedRun(store, schedule('daily', ago(1)), NEVER);
	await writeExpectedRun(store, schedule('full', ago(2)), NEVER);
	await writeExpectedRun(store, schedule('running', ago(1)), NEVER);
	await writeStartedRun(store, { id: 'running', name: 'Backup: running', startedAt: ago(0.9) }, NEVER);
	await writeExpectedRun(store, schedule('tomorrow', ago(-20)), NEVER);
	const context = await testContext({ now: () => NOW });

	expect((await takeMissedRuns(store, context)).map(({ id }) => id)).toEqual(['full', 'daily']);
	expect(await readStartedRun(store, 'full')).toMatchObject({ id: 'full', name: 'Backup: full', startedAt: NOW.toISOString() });
	expect(await takeMissedRuns(store, context)).toEqual([]);
	// What is known of successes stays as it was.
	expect((await readExpectedRuns(store)).map(({ id, dueAt }) => [id, dueAt])).toEqual([['daily', ago(1)], ['full', ago(2)], ['running', ago(1)], ['tomorrow', ago(-20)]]);
	await context.remove();
});

test('a beginning that cannot be read does not keep a run from being made up for', async () => {
	const store = new MemoryStore();
	await writeStartedRun(store, { id: 'daily', name: 'Backup: Daily', startedAt: ago(1) }, NEVER);
	const [key] = [...store.objects.keys()];
	store.objects.set(key!, { ...store.objects.get(key!)!, content: Buffer.from('{') });
	expect(await readStartedRun(store, 'daily')).toBeUndefined();
});
