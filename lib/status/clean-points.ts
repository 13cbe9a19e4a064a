import { type Component, COMPONENTS } from '../catalog/component';
import { holdsWhole } from '../catalog/holds-whole';
import type { RecoveryPointSummary } from '../catalog/recovery-point-summary';
import type { BackupVerdict, Judgement, Sign, Verdict } from './judge-backups';

export interface PointVerdict {
	readonly recoveryPoint: string;
	readonly recordedAt: string;
	readonly complete: boolean;
	/** Of what it holds a whole backup that is still there. */
	readonly components: readonly Component[];
	readonly verdict: Exclude<Verdict, 'unjudged'>;
	readonly reasons: readonly string[];
}

export interface CleanPoints {
	/** The newest clean one that holds what is needed; where there is none, the newest such one of which nothing speaks against. null: none. */
	readonly proposed: string | null;
	/** When something first looked wrecked and has not recovered since; null: never. */
	readonly firstSign: string | null;
	/** For people: what is proposed, and why. */
	readonly explanation: string;
	readonly signs: readonly Sign[];
	/** Newest first. */
	readonly points: readonly PointVerdict[];
	readonly backups: readonly BackupVerdict[];
}

/**
 * Which recovery points can be trusted after an attack: those of which no backup is suspicious, and that were recorded while nothing else
 * looked wrecked. The signals see what an attacker did to the data, not what he left in it: a scan of the restored files comes on top. Pure.
 * @param points newest first
 * @param needed what the proposed one must hold; whatever else it lost since, such as an old backup of Redis that was pruned, does not count. Empty: all of it
 */
export function findCleanPoints(points: readonly RecoveryPointSummary[], { backups, signs }: Judgement, needed: readonly Component[] = []): CleanPoints {
	const verdicts = new Map(backups.map((backup) => [backup.backup, backup]));
	const judged = points.filter(({ unreadable }) => unreadable !== true).map((point) => judgePoint(point, verdicts, signs, needed));
	const usable = judged.filter(({ complete, components }) => (needed.length > 0 || complete) && needed.every((component) => components.includes(component)));
	const proposed = usable.find(({ verdict }) => verdict === 'clean') ?? usable.find(({ verdict }) => verdict === 'unknown');
	const standing = signs.filter(({ until }) => until === null).map(({ since }) => since).sort((a, b) => Date.parse(a) - Date.parse(b));
	const firstSign = standing[0] ?? null;
	return { proposed: proposed?.recoveryPoint ?? null, firstSign, explanation: explain(proposed, firstSign, judged), signs, points: judged, backups };
}

function judgePoint(point: RecoveryPointSummary, verdicts: ReadonlyMap<string, BackupVerdict>, signs: readonly Sign[], needed: readonly Component[]): PointVerdict {
	const members = point.members.map(({ backup }) => verdicts.get(backup)).filter((found) => found !== undefined);
	const at = Date.parse(point.recordedAt);
	const during = signs.filter(({ since, until }) => Date.parse(since) <= at && (until === null || at < Date.parse(until)));
	const suspicious = members.filter(({ verdict }) => verdict === 'suspicious');
	// Too few backups of something else leave nobody in doubt of what is needed; a wrecked one does.
	const ofNeeded = members.filter(({ component }) => needed.length === 0 || needed.includes(component));
	const unknown = ofNeeded.filter(({ verdict }) => verdict === 'unknown');
	const judgedMembers = ofNeeded.filter(({ verdict }) => verdict !== 'unjudged');
	const components = COMPONENTS.filter((component) => holdsWhole(point, component));
	const base = { components, recoveryPoint: point.id, recordedAt: point.recordedAt, complete: point.complete };
	if (suspicious.length + during.length > 0) {
		const ofMembers = suspicious.map(({ backup, component, reasons }) => `${component}, backup ${backup}: ${reasons.join(' ')}`);
		const ofOthers = during.filter(({ backup }) => !suspicious.some((member) => member.backup === backup)).map(({ component, since, detail }) => `Recorded while ${component} looked wrecked (since ${since}): ${detail}`);
		return { ...base, verdict: 'suspicious', reasons: [...ofMembers, ...ofOthers] };
	}
	if (unknown.length > 0 || judgedMembers.length === 0) return { ...base, verdict: 'unknown', reasons: unknown.map(({ backup, component, reasons }) => `${component}, backup ${backup}: ${reasons.join(' ')}`) };
	return { ...base, verdict: 'clean', reasons: [] };
}

function explain(proposed: PointVerdict | undefined, firstSign: string | null, judged: readonly PointVerdict[]): string {
	const sign = firstSign === null ? 'No backup looks like encrypted or deleted files.' : `The first sign is of ${firstSign}.`;
	if (!proposed) return `${sign} ${judged.length === 0 ? 'There is no recovery point that can be read.' : 'No recovery point that holds what is needed is free of suspicion. Go back by hand, or to another place.'}`;
	const passed = judged.findIndex(({ recoveryPoint }) => recoveryPoint === proposed.recoveryPoint);
	const newer = passed > 0 ? ` ${passed === 1 ? 'One newer one was' : `${passed} newer ones were`} passed over.` : '';
	const how = proposed.verdict === 'clean' ? 'fits everything before it' : 'has nothing that speaks against it, but too few backups came before it to be sure';
	return `${sign} Recovery point ${proposed.recoveryPoint} of ${proposed.recordedAt} ${how}.${newer} Scan what is restored from it before you trust it.`;
}
