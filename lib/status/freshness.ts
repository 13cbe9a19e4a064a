import type { BackupSummary } from '../catalog/summary';
import type { State } from './state';
import type { Threshold } from './thresholds';

const HOUR = 3_600_000;
/** Schedules start a little late, and clocks differ a little. */
const JITTER_HOURS = 1 / 6;
const LAST_RUNS = 10;
/** A backup that is dated later than this is by a clock that is wrong. */
const FUTURE_MS = 15 * 60_000;

/** How new something is, by its age alone. */
export function byAge(moment: string, { okHours, warningHours }: Pick<Threshold, 'okHours' | 'warningHours'>, now: Date): State {
	const age = ageHours(moment, now);
	return age < okHours ? 'OK' : age < warningHours ? 'WARNING' : 'CRITICAL';
}

/** The same, with so much time allowed for the next backup to come. */
export function whenTolerant(threshold: Threshold, toleranceHours: number): Pick<Threshold, 'okHours' | 'warningHours'> {
	return { okHours: threshold.okHours + toleranceHours, warningHours: threshold.warningHours + toleranceHours };
}

/**
 * How long after the threshold a backup may still come. Age counts from the beginning of a backup, which exists only at its end: on a schedule as long as the
 * threshold the newest one is older than that each time while the next is written. So: what the last ten took at most, no more than the threshold itself,
 * and ten minutes (of short thresholds a quarter) for a start that was late.
 * @param backups of what is judged, newest first
 */
export function toleranceHours(backups: readonly Pick<BackupSummary, 'durationSeconds'>[], { okHours }: Threshold): number {
	const longest = Math.max(0, ...backups.slice(0, LAST_RUNS).map(({ durationSeconds }) => durationSeconds)) / 3600;
	return Math.min(longest, okHours) + Math.min(JITTER_HOURS, okHours / 4);
}

export function isInFuture(moment: string, now: Date): boolean {
	return Date.parse(moment) - now.getTime() > FUTURE_MS;
}

export function ageHours(moment: string, now: Date): number {
	return (now.getTime() - Date.parse(moment)) / HOUR;
}

/** ISO 8601. */
export function hoursAfter(moment: string, hours: number): string {
	return new Date(Date.parse(moment) + hours * HOUR).toISOString();
}

export function hourWords(value: number): string {
	if (value >= 48) return `${(value / 24).toFixed(1)} days`;
	return value < 1 ? `${Math.round(value * 60)} minutes` : `${value < 10 ? value.toFixed(1) : Math.round(value)} hours`;
}
