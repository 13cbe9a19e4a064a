import type { KnownRun } from '../catalog/known-runs';
import type { RecoveryWindow } from '../catalog/recovery-window';
import { seriesOf } from '../catalog/series';
import type { BackupSummary } from '../catalog/summary';
import type { ComponentFacts } from './component-facts';
import { chainOf } from './chain-facts';
import { ageHours, byAge, hourWords, hoursAfter, isInFuture, toleranceHours, whenTolerant } from './freshness';
import { type Finding, type FindingKind, RUNBOOKS } from './finding';
import { protectedUntil } from './protected-until';
import { newestBy, placeOf, type Standing } from './standing';
import { type State, STATES, worst } from './state';

/** More damaged backups than this are told together: a disk that dies takes hundreds. */
const NAMED = 10;

/** Everything about a component that a person should know, worst first. Pure. */
export function findFindings(facts: ComponentFacts, standing: Standing): Finding[] {
	const findings = [
		...ofAge(facts, standing),
		...facts.runs.flatMap((run) => ofRun(run, facts)),
		...ofDamage(facts),
		...ofChains(facts, standing),
		...ofSigns(facts),
		...facts.windows.flatMap(ofWindow),
		...ofClock(facts),
		...ofProof(facts, standing),
		...ofRecords(facts),
	];
	return findings.sort((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state));
}

function finding(kind: FindingKind, about: string, state: State, reason: string, more: Partial<Pick<Finding, 'hint' | 'since' | 'wellAt'>> = {}): Finding {
	return { kind, about, state, reason, hint: '', since: null, wellAt: null, runbook: RUNBOOKS[kind], ...more };
}

function ofAge({ threshold, now, reach, forgotten }: ComponentFacts, { usable, farthest, until, newestOfEach }: Standing): Finding[] {
	if (!farthest || until === undefined) return [finding('missing', '', 'CRITICAL', 'There is no usable backup.')];
	const tolerance = (place: BackupSummary) => toleranceHours(usable.filter(({ source }) => source === place.source), threshold);
	const state = byAge(until, whenTolerant(threshold, tolerance(farthest)), now);
	const stale = state === 'OK' ? [] : [finding('stale', '', state, staleReason(farthest, until, threshold.okHours, now), { since: hoursAfter(until, threshold.okHours), wellAt: until })];
	// What stopped with everything else is told once, as stale; what was left behind before that stays told.
	const reference = Math.min(now.getTime(), Date.parse(hoursAfter(until, threshold.okHours)));
	const left = newestOfEach.filter((one) => {
		return !forgotten.has(placeOf(one)) && byAge(protectedUntil(one, reach), whenTolerant(threshold, tolerance(one)), new Date(reference)) !== 'OK';
	});
	return [
		...stale,
		...left.map((one) => {
			const its = protectedUntil(one, reach);
			const what = its === one.startedAt ? `backup (${one.kind})` : 'archived WAL';
			return finding('series', placeOf(one), 'WARNING', `The newest ${what} of ${one.source} is ${hourWords(ageHours(its, now))} old.`, { since: hoursAfter(its, threshold.okHours), wellAt: its });
		}),
	];
}

function staleReason({ source, startedAt }: BackupSummary, until: string, okHours: number, now: Date): string {
	const wanted = `it should be at most ${hourWords(okHours)}.`;
	if (until === startedAt) return `The newest backup is ${hourWords(ageHours(startedAt, now))} old; ${wanted}`;
	return `The newest archived WAL of ${source} is ${hourWords(ageHours(until, now))} old; ${wanted}`;
}

function ofRun({ run, died }: KnownRun, { backups }: ComponentFacts): Finding[] {
	// Taken once, by a runbook that has told how it went: no later run would ever clear it.
	if (run.kind === 'safety') return [];
	const about = seriesOf(run);
	const wellAt = backups.find((backup) => seriesOf(backup) === about)?.finishedAt ?? null;
	if (died) return [finding('died', about, 'WARNING', `The run of ${run.source} (${run.kind}) begun at ${run.startedAt} ended without a word.`, { since: run.startedAt, wellAt })];
	if (run.outcome !== 'failed') return [];
	const at = run.finishedAt ?? run.startedAt;
	return [finding('failed', about, 'WARNING', `The newest run of ${run.source} (${run.kind}) failed at ${at}: ${run.error?.message ?? 'no reason is recorded'}`, { hint: run.error?.hint ?? '', since: at, wellAt })];
}

/** Those that are damaged, and those of which something is not in the store: each until it is gone. */
function ofDamage({ backups, lost }: ComponentFacts): Finding[] {
	const found = backups.flatMap((backup): Finding[] => {
		const what = lost.get(backup.id);
		if (backup.status !== 'damaged' && what === undefined) return [];
		const state = isReplaced(backup, backups, lost) ? 'WARNING' : 'CRITICAL';
		if (backup.status === 'damaged') return [finding('damaged', backup.id, state, `Backup ${backup.id} is damaged: ${backup.problem ?? 'its check failed'}`, { since: backup.problemSince ?? null })];
		return [finding('lost', backup.id, state, `Backup ${backup.id} is incomplete: ${what ?? ''}.`)];
	});
	// The oldest by name: so no newer one makes another of them look mended.
	const named = found.slice(-NAMED);
	const others = found.slice(0, -NAMED);
	if (others.length === 0) return named;
	return [...named, finding('damaged', 'others', worst(others.map(({ state }) => state)), `${others.length} more backups are damaged or incomplete, the newest: ${others[0]?.reason ?? ''}`)];
}

/** Whether a newer one of the same series is whole. Of one that cannot be read only the kind is known. */
function isReplaced(backup: BackupSummary, backups: readonly BackupSummary[], lost: ReadonlyMap<string, string>): boolean {
	const newer = backups.slice(0, backups.indexOf(backup));
	return newer.some((one) => one.status === 'success' && !lost.has(one.id) && one.kind === backup.kind && (backup.unreadable === true || one.source === backup.source));
}

function ofChains({ backups, lost }: ComponentFacts, { newestOfEach }: Standing): Finding[] {
	const byId = new Map(backups.map((backup) => [backup.id, backup]));
	return newestOfEach.flatMap((one) => {
		const { problem } = chainOf(one, byId, lost);
		return problem === null ? [] : [finding('chain', placeOf(one), 'CRITICAL', `The newest backup of ${one.source}, ${one.id}, cannot be restored: it builds on others, and ${problem}.`)];
	});
}

/** What looks wrecked, one for each series: however much of a backup is unusual, people are told of it once. */
function ofSigns({ anomalies, backups, signs }: ComponentFacts): Finding[] {
	const kindOf = new Map(backups.map(({ id, kind }) => [id, kind]));
	const series = new Map<string, typeof anomalies[number][]>();
	for (const anomaly of anomalies) {
		const { component } = backups[0] ?? {};
		const kind = kindOf.get(anomaly.backup);
		if (component === undefined || kind === undefined) continue;
		const key = seriesOf({ component, kind, source: anomaly.source });
		series.set(key, [...(series.get(key) ?? []), anomaly]);
	}
	return [...series].map(([about, ofSeries]) => {
		const state = ofSeries.some(({ severity }) => severity === 'alarm') ? 'CRITICAL' : 'WARNING';
		const sorted = [...ofSeries.filter(({ severity }) => severity === 'alarm'), ...ofSeries.filter(({ severity }) => severity === 'notice')];
		const ids = [...new Set(sorted.map(({ backup }) => backup))];
		const reason = ids.map((id) => `Backup ${id} is unlike those before it: ${sorted.filter(({ backup }) => backup === id).map(({ detail }) => detail).join(' ')}`).join(' ');
		return finding('unlike', about, state, reason, { since: signs.find(({ source }) => source === ofSeries[0]?.source)?.since ?? null });
	});
}

function ofWindow({ source, systemIdentifier, gap, to }: RecoveryWindow): Finding[] {
	return gap === null ? [] : [finding('gap', systemIdentifier, 'WARNING', `The archived WAL of ${source} leads only to ${to ?? 'the end of its newest base backup'}: ${gap}.`, { since: to })];
}

function ofClock({ backups, now }: ComponentFacts): Finding[] {
	const places = new Map<string, BackupSummary>();
	for (const backup of backups) if (isInFuture(backup.startedAt, now) && !places.has(backup.source)) places.set(backup.source, backup);
	return [...places.values()].map((backup) => {
		const { id, startedAt, source } = backup;
		const whose = source === '' ? '' : ` of ${source}`;
		return finding('future', placeOf(backup), 'WARNING', `Backup ${id}${whose} is dated ${startedAt}, which has not come yet: it does not count as new. The clock that dated it was wrong, or the one that reads it is.`);
	});
}

function ofProof({ verifiedWithinDays, backups, now }: ComponentFacts, { usable }: Standing): Finding[] {
	const oldest = usable.at(-1);
	if (verifiedWithinDays === 0 || !oldest) return [];
	const verified = newestBy(backups, (backup) => backup.verified?.at)?.verified?.at;
	const since = verified ?? oldest.startedAt;
	if (ageHours(since, now) <= verifiedWithinDays * 24) return [];
	const reason = verified === undefined ? `No backup has ever been verified, and the oldest is of ${since}.` : `No backup was verified since ${verified}.`;
	return [finding('unverified', '', 'WARNING', `${reason} One should be every ${verifiedWithinDays} days.`, { since: hoursAfter(since, verifiedWithinDays * 24) })];
}

function ofRecords({ backups, unreadableRuns }: ComponentFacts): Finding[] {
	const ofRuns = unreadableRuns.map(({ series, modifiedAt }) => finding('unreadable', `last-run/${series}`, 'WARNING', `The record of the newest run of ${series} cannot be read: how it went is not known.`, { since: modifiedAt.toISOString() }));
	const ofChecks = backups.filter(({ checksUnreadable }) => checksUnreadable === true).map(({ id }) => finding('unreadable', `checks/${id}`, 'WARNING', `The record of the checks of backup ${id} cannot be read: it may say that the backup is damaged.`));
	return [...ofRuns, ...ofChecks];
}
