import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Anomaly, findAnomalies, SHORTEST_HISTORY } from '../../../lib/status/find-anomalies';
import type { Measures } from '../../../lib/status/measures';
import { dayOf, type Event, seeded, type World, WORLDS } from '../../support/simulated-histories';

const DAYS = 60;
const HISTORIES = 20;

/** Of how many histories the last day raises an alarm. */
function alarmRate(world: World, event: Event, kind: 'full' | 'incremental'): number {
	let alarms = 0;
	for (let history = 0; history < HISTORIES; history++) {
		const random = seeded(history + 1);
		// Different days of the week are hit.
		const last = DAYS + (history % 7);
		const days = Array.from({ length: last }, (_, day) => dayOf(world, day, { kind: 'none' }, kind, random));
		if (isAlarm(findAnomalies(dayOf(world, last, event, kind, random), days))) alarms += 1;
	}
	return alarms / HISTORIES;
}

/** On how many ordinary days, from the first that can be judged, there is an alarm. */
function falseAlarmRate(world: World, kind: 'full' | 'incremental'): number {
	let alarms = 0;
	let judged = 0;
	for (let history = 0; history < HISTORIES; history++) {
		const random = seeded(1000 + history);
		const days: Measures[] = [];
		for (let day = 0; day < DAYS; day++) {
			const today = dayOf(world, day, { kind: 'none' }, kind, random);
			if (days.length >= SHORTEST_HISTORY) {
				judged += 1;
				if (isAlarm(findAnomalies(today, days))) alarms += 1;
			}
			days.push(today);
		}
	}
	return alarms / judged;
}

const isAlarm = (anomalies: readonly Anomaly[]) => anomalies.some(({ severity }) => severity === 'alarm');

const EVENTS: [string, Event][] = [
	['5 % of the files encrypted', { kind: 'encrypted', share: 0.05 }],
	['20 % encrypted', { kind: 'encrypted', share: 0.2 }],
	['80 % encrypted', { kind: 'encrypted', share: 0.8 }],
	['15 % deleted', { kind: 'deleted', share: 0.15 }],
	['50 % deleted', { kind: 'deleted', share: 0.5 }],
];

interface Rates {
	readonly name: string;
	/** In the order of `EVENTS`. */
	readonly found: readonly number[];
	readonly falseAlarms: number;
}

function computeRates(): Rates[] {
	return WORLDS.flatMap((world) =>
		(['full', 'incremental'] as const).map((kind) => ({ name: `${world.name}, ${kind}`, found: EVENTS.map(([, event]) => alarmRate(world, event, kind)), falseAlarms: falseAlarmRate(world, kind) })),
	);
}

/** The table in the documentation. */
function table(rates: readonly Rates[]): string {
	const percent = (rate: number) => `${(rate * 100).toFixed(rate > 0 && rate < 0.01 ? 2 : 0)} %`;
	const rows = rates.map(({ name, found, falseAlarms }) => `| ${[name, ...found.map(percent), percent(falseAlarms)].join(' | ')} |`);
	return [`| history | ${EVENTS.map(([name]) => name).join(' | ')} | false alarms per backup |`, `| --- |${' --- |'.repeat(EVENTS.length + 1)}`, ...rows].join('\n');
}

test('finds what it must find, and leaves ordinary days alone: as the documentation says', () => {
	const rates = computeRates();
	for (const { found, falseAlarms } of rates) {
		expect(found.slice(1)).toEqual([1, 1, 1, 1]);
		expect(falseAlarms).toBeLessThan(0.01);
	}
	expect(readFileSync(join(__dirname, '../../../docs/anomalies.md'), 'utf8')).toContain(table(rates));
});

test('says nothing of a short history, of growth, or of an even one', () => {
	const sizes = (...values: number[]): Measures[] => values.map((storedBytes) => ({ storedBytes }));
	expect(findAnomalies({ storedBytes: 1 }, sizes(1e6, 1e6, 1e6, 1e6))).toEqual([]);
	expect(findAnomalies({ storedBytes: 64e6 }, sizes(2e6, 4e6, 8e6, 16e6, 32e6))).toEqual([]);
	expect(findAnomalies({ storedBytes: 1.2e6 }, sizes(1e6, 1e6, 1e6, 1e6, 1e6, 1e6))).toEqual([]);
	expect(findAnomalies({}, sizes(1e6, 1e6, 1e6, 1e6, 1e6, 1e6))).toEqual([]);
});

test('an empty dump is an alarm, twice the size only a notice', () => {
	const usual: Measures[] = Array.from({ length: 10 }, (_, at) => ({ storedBytes: 5e6 + at * 1000, rows: 1000 + at }));
	expect(findAnomalies({ storedBytes: 2000, rows: 0 }, usual)).toMatchObject([{ measure: 'storedBytes', severity: 'alarm' }, { measure: 'rows', severity: 'alarm', detail: expect.stringContaining('0 rows instead of about 1010') }]);
	expect(findAnomalies({ storedBytes: 10e6, rows: 1010 }, usual)).toMatchObject([{ measure: 'storedBytes', severity: 'notice' }]);
});
