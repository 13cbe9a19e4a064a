import type { BackupKind, Component } from '../catalog/component';
import { type Anomaly, findAnomalies, SHORTEST_HISTORY } from './find-anomalies';
import { type Measure, type Measures } from './measures';
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
	/** All that alarmed by themselves in that time, `backup` first. */
	readonly alarming: readonly string[];
}

export interface Judgement {
	/** Oldest first. */
	readonly backups: readonly BackupVerdict[];
	readonly signs: readonly Sign[];
}

/** The same, with what is unusual about each backup that nobody acknowledged, by its id: also what is only a notice. */
export interface FullJudgement extends Judgement {
	readonly anomalies: ReadonlyMap<string, readonly Anomaly[]>;
}

/** More than any measure looks back: one that is not of every backup has enough of them in it. */
const REMEMBERED = 60;
/** What stays as it is once it has changed. Shares of changed files are of one backup alone. */
const LASTING: readonly Measure[] = ['storedBytes', 'sourceBytes', 'storedShare', 'rows', 'files'];
/** Of these all kinds of backup of a source tell the same. */
const OF_SOURCE: readonly Measure[] = ['rows', 'files'];

/**
 * Goes through the backups from the oldest to the newest and says which of them look as before. One that alarms teaches nothing to those
 * after it. After an alarm whatever comes of the same source is suspicious too, until a full backup fits again: files that were encrypted
 * once no longer change, so that the next incremental backup would look like any other. Pure.
 * @param acknowledged backups of which a person said that they are well: they do not alarm, and what looks like them does not either
 */
export function judgeBackups(samples: readonly Sample[], acknowledged: ReadonlySet<string> = new Set()): FullJudgement {
	const histories = new Map<string, Measures[]>();
	const accepted = new Map<string, Measures>();
	const signs = new Map<string, { sign: Sign; open: boolean }[]>();
	const anomalies = new Map<string, readonly Anomaly[]>();
	const backups = [...samples].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt) || (a.id < b.id ? -1 : 1)).map((sample): BackupVerdict => {
		const told = (verdict: Verdict, reasons: readonly string[]): BackupVerdict => {
			const { id, component, kind, source, startedAt } = sample;
			return { backup: id, component, kind, source, startedAt, verdict, reasons };
		};
		if (!COUNTED_KINDS.includes(sample.kind)) return told('unjudged', []);
		const series = `${sample.component} ${sample.kind} ${sample.source}`;
		const history = histories.get(series) ?? [];
		const place = `${sample.component} ${sample.source}`;
		const ofPlace = signs.get(place) ?? [];
		const standing = ofPlace.find(({ open }) => open);
		const enough = history.length >= SHORTEST_HISTORY;
		const levels = [accepted.get(series), accepted.get(place)].filter((level) => level !== undefined);
		const found = findAnomalies(sample.measures, history).filter((anomaly) => !levels.some((level) => fits(sample.measures, level, anomaly.measure)));
		if (found.length > 0 && !acknowledged.has(sample.id)) anomalies.set(sample.id, found);
		const alarms = found.filter(({ severity }) => severity === 'alarm').map(({ detail }) => detail);
		if (alarms.length > 0 && acknowledged.has(sample.id)) {
			accepted.set(series, only(sample.measures, LASTING));
			accepted.set(place, only(sample.measures, OF_SOURCE));
			return told(standing ? 'suspicious' : 'clean', standing ? afterSign(standing.sign) : []);
		}
		if (alarms.length > 0) {
			if (standing) standing.sign = { ...standing.sign, alarming: [...standing.sign.alarming, sample.id] };
			else signs.set(place, [...ofPlace, { sign: { component: sample.component, source: sample.source, backup: sample.id, since: sample.startedAt, until: null, detail: alarms.join(' '), alarming: [sample.id] }, open: true }]);
			return told('suspicious', alarms);
		}
		if (standing && (sample.kind === 'incremental' || !enough)) return told('suspicious', afterSign(standing.sign));
		if (standing) {
			standing.open = false;
			standing.sign = { ...standing.sign, until: sample.startedAt };
		}
		histories.set(series, [...history, sample.measures].slice(-REMEMBERED));
		return enough ? told('clean', []) : told('unknown', [`Only ${history.length} backups of its kind came before it; ${SHORTEST_HISTORY} are needed to tell.`]);
	});
	return { backups, signs: [...signs.values()].flat().map(({ sign }) => sign), anomalies };
}

function afterSign({ backup }: Sign): string[] {
	return [`It comes after ${backup}, which looked wrecked.`];
}

/** Whether this is as in a backup that a person accepted although it was unlike those before it. */
function fits(measures: Measures, level: Measures, measure: Measure): boolean {
	if (level[measure] === undefined) return false;
	const even = Array.from({ length: SHORTEST_HISTORY }, () => only(level, [measure]));
	return findAnomalies(only(measures, [measure]), even).length === 0;
}

function only(measures: Measures, names: readonly Measure[]): Measures {
	return Object.fromEntries(names.flatMap((name) => (measures[name] === undefined ? [] : [[name, measures[name]]])));
}
