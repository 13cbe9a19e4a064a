import type { Component } from '../catalog/component';
import type { HoldAlarm } from '../catalog/retention-hold';
import type { BackupSummary } from '../catalog/summary';
import type { BackupAnomaly } from './component-facts';
import { judgeBackups, type Sign } from './judge-backups';
import type { Measures } from './measures';
import { COUNTED_KINDS } from './thresholds';

/** What looks wrecked or unusual in a store, told from what its backups say of themselves. */
export interface StoreAnomalies {
	/** Of what looks wrecked still, and what is only unusual about the newest of each series. */
	readonly anomalies: readonly (BackupAnomaly & { readonly component: Component })[];
	/** What looks wrecked still: neither acknowledged, nor did a full backup fit since. */
	readonly standing: readonly Sign[];
}

/**
 * Judges every backup, not only the newest: between two looks several may have come, and the one that shows an attack is followed by others that do not. Pure.
 * @param backups newest first
 * @param measures of the usable ones
 * @param acknowledged of which a person said that they are well
 */
export function judgeStore(backups: readonly BackupSummary[], measures: ReadonlyMap<string, Measures>, acknowledged: ReadonlySet<string>): StoreAnomalies {
	const samples = backups.flatMap((backup) => {
		const its = measures.get(backup.id);
		return its ? [{ ...backup, measures: its }] : [];
	});
	const judgement = judgeBackups(samples, acknowledged);
	const standing = judgement.signs.filter(({ until }) => until === null);
	const alarming = new Set(standing.flatMap((sign) => sign.alarming));
	const newest = newestOfSeries(samples);
	const anomalies = samples.flatMap(({ id, component, source }) => {
		const all = judgement.anomalies.get(id) ?? [];
		const shown = all.filter(({ severity }) => (severity === 'alarm' ? alarming.has(id) : alarming.has(id) || newest.has(id)));
		return shown.map((anomaly) => ({ ...anomaly, backup: id, source, component }));
	});
	return { anomalies, standing };
}

/** For the hold on retention: each backup that looks wrecked, in words. */
export function alarmsOf({ anomalies }: Pick<StoreAnomalies, 'anomalies'>): HoldAlarm[] {
	const details = new Map<string, string>();
	for (const { severity, backup, component, detail } of anomalies) {
		if (severity === 'alarm') details.set(backup, `${details.get(backup) ?? `${component}, backup ${backup}:`} ${detail}`);
	}
	return [...details].map(([backup, detail]) => ({ backup, detail }));
}

function newestOfSeries(samples: readonly BackupSummary[]): ReadonlySet<string> {
	const newest = new Map<string, string>();
	for (const { id, component, kind, source } of samples) {
		const series = `${component} ${kind} ${source}`;
		if (COUNTED_KINDS.includes(kind) && !newest.has(series)) newest.set(series, id);
	}
	return new Set(newest.values());
}

