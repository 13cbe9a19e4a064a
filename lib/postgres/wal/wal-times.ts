import type { WalTimes } from '../../catalog/wal-manifest';
import { formatLsn, type Lsn } from '../replication/lsn';
import { serverTimeText } from './server-time';

/** Collects what a span of WAL says about time. Commit times are taken by each session before it writes, so their order is not that of the log. */
export class TimesCollector {
	private first: bigint | undefined;
	private last: bigint | undefined;
	private commits = 0;
	private restorePoints: WalTimes['restorePoints'] = [];

	commit(at: bigint): void {
		this.commits += 1;
		if (this.first === undefined || at < this.first) this.first = at;
		if (this.last === undefined || at > this.last) this.last = at;
	}

	/** `end`: where its record ends, which is what `pg_create_restore_point()` returns. */
	restorePoint(name: string, at: bigint, end: Lsn): void {
		this.restorePoints.push({ name, at: serverTimeText(at), lsn: formatLsn(end) });
	}

	/** What came since the last call. */
	take(): WalTimes {
		const times: WalTimes = {
			firstCommitAt: this.first === undefined ? null : serverTimeText(this.first),
			lastCommitAt: this.last === undefined ? null : serverTimeText(this.last),
			commits: this.commits,
			restorePoints: this.restorePoints,
		};
		this.first = undefined;
		this.last = undefined;
		this.commits = 0;
		this.restorePoints = [];
		return times;
	}
}

/** What two spans that follow each other say together. */
export function addTimes(one: WalTimes | undefined, other: WalTimes): WalTimes {
	if (!one) return other;
	return {
		firstCommitAt: [one.firstCommitAt, other.firstCommitAt].filter(isKnown).sort()[0] ?? null,
		lastCommitAt: [one.lastCommitAt, other.lastCommitAt].filter(isKnown).sort().at(-1) ?? null,
		commits: one.commits + other.commits,
		restorePoints: [...one.restorePoints, ...other.restorePoints],
	};
}

/** All are written with the same number of digits, and sort as text. */
function isKnown(time: string | null): time is string {
	return time !== null;
}
