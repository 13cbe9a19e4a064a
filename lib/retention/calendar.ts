import { DateTime } from 'luxon';
import { BackupError } from '../core/errors';

export const PERIODS = ['daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** The calendar day, ISO week, month or year of a moment in `timeZone`; sorts by time within one period. */
export function bucketOf(period: Period, moment: string, timeZone: string): string {
	const local = DateTime.fromISO(moment, { zone: timeZone });
	switch (period) {
		case 'daily':
			return local.toFormat('yyyy-MM-dd');
		case 'weekly':
			return local.toFormat("kkkk-'W'WW");
		case 'monthly':
			return local.toFormat('yyyy-MM');
		case 'yearly':
			return local.toFormat('yyyy');
	}
}

/** @throws BackupError `INVALID_INPUT` when there is no such time zone: every bucket would be the same */
export function requireTimeZone(timeZone: string): void {
	if (DateTime.utc().setZone(timeZone).isValid) return;
	throw new BackupError('INVALID_INPUT', `There is no time zone ${JSON.stringify(timeZone)}.`, 'Use an IANA name such as UTC or America/Sao_Paulo.');
}
