import type { BackupKind, Component } from '../catalog/component';
import { seriesOf } from '../catalog/series';
import { findAnomalies, SHORTEST_HISTORY } from './find-anomalies';
import type { Measures } from './measures';
import { COUNTED_KINDS } from './thresholds';

/** A backup, as far as it tells whether somebody had wrecked what it holds. */
export interface Sample {
	readonly id: string;
	readonly component: Component;
	readonly kind: BackupKind;
	readonly source: string;
	/** ISO 8601. */
	readonly startedAt: string;
	readonly measures: Measures;
}

/**
 * `clean`: fits what came before it. `suspicious`: does not, or comes after one that does not. `unknown`: too few came before it to tell.
 * `unjudged`: nothing of its kind can be told (roles, extracts).
 */
export type Verdict = 'clean' | 'suspicious' | 'unknown' | 'unjudged';

export interface BackupVerdict {
	readonly backup: string;
	readonly component: Component;
	readonly kind: BackupKind;
	readonly source: string;
	readonly startedAt: string;
	readonly verdict: Verdict;
	/** Sentences. */
	readonly reasons: readonly string[];
}

/** A time in which what is backed up looks wrecked; `until` null: it still does. */
export interface Sign {
	readonly component: Component;
	readonly source: string;
	readonly backup: string;
	readonly since: string;
	readonly until: string | null;
	readonly detail: string;
}

export interface Judgement {
	/** Oldest first. */
	readonly backups: readonly BackupVerdict[];
	readonly signs: readonly Sign[];
}

/**
 * Goes through the backups from the oldest to the newest and says which of them look as before. One that alarms teaches nothing to those
 * after it. After an alarm whatever comes of the same source is suspicious too, until a full backup fits again: files that were encrypted
 * once no longer change, so that the next incremental backup would look like any other. Pure.
 */
export function judgeBackups(samples: readonly Sample[]): Judgement {
	const histories = new Map<string, Measures[]>();
	const signs = new Map<string, { sign: Sign; open: boolean }[]>();
	const backups = [...samples].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt) || (a.id < b.id ? -1 : 1)).map((sample): BackupVerdict => {
		const told = (verdict: Verdict, reasons: readonly string[]): BackupVerdict => {
			const { id, component, kind, source, startedAt } = sample;
			return { backup: id, component, kind, source, startedAt, verdict, reasons };
		};
		if (!COUNTED_KINDS.includes(sample.kind)) return told('unjudged', []);
		const series = seriesOf(sample);
		const history = histories.get(series) ?? [];
		const place = `${sample.component} ${sample.source}`;
		const ofPlace = signs.get(place) ?? [];
		const standing = ofPlace.find(({ open }) => open);
		const enough = history.length >= SHORTEST_HISTORY;
		const alarms = findAnomalies(sample.measures, history).filter(({ severity }) => severity === 'alarm').map(({ detail }) => detail);
		if (alarms.length > 0) {
			if (!standing) signs.set(place, [...ofPlace, { sign: { component: sample.component, source: sample.source, backup: sample.id, since: sample.startedAt, until: null, detail: alarms.join(' ') }, open: true }]);
			return told('suspicious', alarms);
		}
		if (standing && (sample.kind === 'incremental' || !enough)) return told('suspicious', [`It comes after ${standing.sign.backup}, which looked wrecked.`]);
		if (standing) {
			standing.open = false;
			standing.sign = { ...standing.sign, until: sample.startedAt };
		}
		histories.set(series, [...history, sample.measures]);
		return enough ? told('clean', []) : told('unknown', [`Only ${history.length} backups of its kind came before it; ${SHORTEST_HISTORY} are needed to tell.`]);
	});
	return { backups, signs: [...signs.values()].flat().map(({ sign }) => sign) };
}
