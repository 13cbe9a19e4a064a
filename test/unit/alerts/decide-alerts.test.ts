import fc from 'fast-check';
import type { OpenAlert } from '../../../lib/alerts/alert-state';
import { afterDelivery, type AlertMessage, decideAlerts } from '../../../lib/alerts/decide-alerts';
import type { Problem, Severity } from '../../../lib/alerts/problem';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const POLICY = { repeatHours: 24, escalateAfterHours: [1, 4] };
const problem = (key: string, severity: Severity = 'critical', title = `${key} is wrong`): Problem => ({ key, severity, title, what: 'what', advice: 'advice' });

/** People told at each hour, with messages that are delivered or not. */
class People {
	open: OpenAlert[] = [];
	readonly told: { hour: number; event: string; key: string; level: number }[] = [];

	look(hour: number, problems: Problem[], judged: (key: string) => boolean = () => true, arrives: (message: AlertMessage) => boolean = () => true): void {
		const messages = decideAlerts(problems, this.open, judged, POLICY, new Date(START + hour * HOUR));
		const delivered = messages.filter(arrives);
		for (const { event, problem: { key }, level } of delivered) this.told.push({ hour, event, key, level });
		this.open = afterDelivery(this.open, delivered.map(({ problem: { key }, after }) => ({ key, after })));
	}

	get events(): string[] {
		return this.told.map(({ hour, event, level }) => `${hour} ${event} ${level}`);
	}
}

test('trouble is told once, passed on as often as asked, repeated a day later, and its end is told once', () => {
	const people = new People();
	for (let hour = 0; hour < 60; hour++) people.look(hour, hour < 50 ? [problem('disk')] : []);
	expect(people.events).toEqual(['0 problem 0', '1 escalated 1', '4 escalated 2', '28 reminder 2', '50 resolved 2']);
});

test('what becomes critical, or fails in another way, is told at once; what becomes milder is not', () => {
	const people = new People();
	people.look(0, [problem('age', 'warning')]);
	people.look(0.2, [problem('age', 'critical')]);
	people.look(0.4, [problem('age', 'warning')]);
	people.look(0.6, [problem('age', 'warning', 'another title')]);
	expect(people.events).toEqual(['0 problem 0', '0.2 worse 0', '0.6 changed 0']);
});

test('a look that could not have seen it does not say that it is over', () => {
	const people = new People();
	people.look(0, [problem('component/files/stale')]);
	people.look(0.5, [], (key) => key.startsWith('component/postgres'));
	expect(people.events).toEqual(['0 problem 0']);
	people.look(0.7, []);
	expect(people.events).toEqual(['0 problem 0', '0.7 resolved 0']);
});

test('after a long silence one message goes to everyone who is due', () => {
	const people = new People();
	people.look(0, [problem('disk')]);
	people.look(9, [problem('disk')]);
	expect(people.events).toEqual(['0 problem 0', '9 escalated 2']);
});

test('of two problems with one key the worse is told, in either order', () => {
	for (const problems of [[problem('a', 'critical'), problem('a', 'warning', 'a notice')], [problem('a', 'warning', 'a notice'), problem('a', 'critical')]]) {
		expect(decideAlerts(problems, [], () => true, POLICY, new Date(START))).toMatchObject([{ problem: { severity: 'critical', title: 'a is wrong' } }]);
	}
});

test('what was told before all was well again is another trouble; a time that has not come says nothing', () => {
	const people = new People();
	const broken = (wellAt: number): Problem & { wellAt: string } => ({ ...problem('run'), wellAt: new Date(START + wellAt * HOUR).toISOString() });
	people.look(0, [broken(-1)]);
	people.look(0.5, [broken(-1)]);
	people.look(3, [broken(2)]);
	people.look(3.5, [broken(2)]);
	people.look(3.6, [broken(99)]);
	expect(people.events).toEqual(['0 problem 0', '3 problem 0']);
	expect(people.open).toMatchObject([{ since: new Date(START + 3 * HOUR).toISOString() }]);
	expect(people.open[0]).not.toHaveProperty('wellAt');
});

test('any history: at least once, no more than once for the same reason, and the end only of what was told', () => {
	const keys = ['a', 'b', 'c'];
	const step = fc.record({
		minutes: fc.integer({ min: 1, max: 900 }),
		present: fc.subarray(keys),
		severity: fc.constantFrom<Severity>('warning', 'critical'),
		judged: fc.subarray(keys),
		lost: fc.subarray(keys),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const people = new People();
			let hour = 0;
			const known = new Map<string, { since: number; severity: Severity }>();
			for (const { minutes, present, severity, judged, lost } of steps) {
				hour += minutes / 60;
				const before = people.told.length;
				people.look(hour, present.map((key) => problem(key, severity)), (key) => judged.includes(key), ({ problem: { key } }) => !lost.includes(key));
				const told = people.told.slice(before);
				expect(new Set(told.map(({ key }) => key)).size).toBe(told.length);
				for (const key of keys) {
					const events = told.filter((entry) => entry.key === key).map(({ event }) => event);
					const here = present.includes(key);
					const was = known.get(key);
					if (lost.includes(key)) expect(events).toEqual([]);
					else if (here && !was) expect(events).toEqual(['problem']);
					else if (here && was?.severity === 'warning' && severity === 'critical') expect(events).toEqual(['worse']);
					else if (!here && was && judged.includes(key)) expect(events).toEqual(['resolved']);
					else if (!here) expect(events).toEqual([]);
					else expect(events.every((event) => event === 'escalated' || event === 'reminder')).toBe(true);
					if (events.includes('resolved')) known.delete(key);
					else if (events.length > 0) known.set(key, { since: was?.since ?? hour, severity });
				}
			}
			// Of one trouble each step up is told once.
			for (const { key, since } of people.open) {
				const levels = people.told.filter((entry) => entry.key === key && START + entry.hour * HOUR >= Date.parse(since) - 1 && entry.event === 'escalated').map(({ level }) => level);
				expect(new Set(levels).size).toBe(levels.length);
			}
		}),
		{ numRuns: 300 },
	);
});
