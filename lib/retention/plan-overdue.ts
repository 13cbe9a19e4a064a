import type { BackupSummary } from '../catalog/summary';
import type { CompleteRecoveryPoint, PlanRetention, RetentionDecision } from './plan';
import { planRetention } from './plan-retention';

export interface OverdueInput extends Omit<Parameters<PlanRetention>[0], 'recoveryPoints'> {
	readonly recoveryPoints: readonly (CompleteRecoveryPoint & { readonly recordedAt: string })[];
	/** What `windowBases` was then. */
	readonly windowBasesThen?: ReadonlyMap<string, string>;
}

/**
 * The plan of now, in which only that is to be deleted which might have gone already at the moment `since`, from what was
 * there and known then. Where pruning does its work, nothing is. Pure.
 */
export function planOverdue(input: OverdueInput, since: Date): RetentionDecision[] {
	const before = (iso: string) => Date.parse(iso) <= since.getTime();
	const knownThen = (backup: BackupSummary) => (backup.verified && !before(backup.verified.at) ? { ...backup, verified: null } : backup);
	const then = planRetention({
		...input,
		now: since,
		windowBases: input.windowBasesThen,
		backups: input.backups.filter(({ startedAt }) => before(startedAt)).map(knownThen),
		recoveryPoints: input.recoveryPoints.filter(({ recordedAt }) => before(recordedAt)),
	});
	const late = new Set(then.flatMap(({ action, id, series }) => (action === 'delete' ? [`${series}/${id}`] : [])));
	return planRetention(input).map((decision) => {
		if (decision.action === 'keep' || late.has(`${decision.series}/${decision.id}`)) return decision;
		return { ...decision, action: 'keep', reasons: [`it may go, but not yet at ${since.toISOString()}`] };
	});
}
