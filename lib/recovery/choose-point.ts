import type { Component } from '../catalog/component';
import { holdsWhole } from '../catalog/holds-whole';
import type { RecoveryPointSummary } from '../catalog/recovery-point-summary';

/** A newer recovery point that is not the one. */
export interface PassedOver {
	readonly id: string;
	/** ISO 8601; empty where it cannot be read. */
	readonly recordedAt: string;
	/** Why it was passed over, as a sentence. */
	readonly why: string;
	/** It holds what is needed, or cannot be read and may: a person could mean it. */
	readonly mayBeMeant: boolean;
}

export interface PointChoice {
	/** null: the store holds none that fits. */
	readonly recoveryPoint: RecoveryPointSummary | null;
	/** All newer ones, newest first. */
	readonly passedOver: readonly PassedOver[];
	/** A newer one could be meant as well, and a person must name one of them before anything is restored. */
	readonly mustBeNamed: boolean;
	/** For people: which one, and what was passed over. */
	readonly explanation: string;
}

/**
 * Which recovery point a recovery is to restore: the named one, or the newest of which nothing is missing and that holds what is needed. Older
 * data is never taken in silence: where a newer one holds what is needed too, a person must say which. Pure.
 * @param points newest first
 * @param named an ID, or null
 * @param needed what it must hold a whole backup of
 */
export function choosePoint(points: readonly RecoveryPointSummary[], named: string | null, needed: readonly Component[]): PointChoice {
	const holdsAll = (point: RecoveryPointSummary) => needed.every((component) => holdsWhole(point, component));
	const at = points.findIndex((point) => (named === null ? point.complete && holdsAll(point) : point.id === named));
	const newer = at < 0 ? points : points.slice(0, at);
	const passedOver = newer.map((point) => ({ id: point.id, recordedAt: point.recordedAt, why: reason(point, needed), mayBeMeant: point.unreadable === true || holdsAll(point) }));
	const recoveryPoint = points[at] ?? null;
	const mustBeNamed = named === null && passedOver.some(({ mayBeMeant }) => mayBeMeant);
	return { recoveryPoint, passedOver, mustBeNamed, explanation: explain({ recoveryPoint, passedOver, mustBeNamed }, named, needed) };
}

function reason(point: RecoveryPointSummary, needed: readonly Component[]): string {
	if (point.unreadable === true) return point.state;
	const absent = needed.filter((component) => !holdsWhole(point, component));
	if (absent.length > 0) return `It holds no whole backup of ${absent.join(', ')}.`;
	return point.complete ? 'Another one was named.' : point.state;
}

const MOST_NAMED = 5;

function explain({ recoveryPoint, passedOver, mustBeNamed }: Omit<PointChoice, 'explanation'>, named: string | null, needed: readonly Component[]): string {
	const what = needed.length === 0 ? '' : ` that holds ${needed.join(', ')}`;
	const found =
		recoveryPoint !== null
			? `Recovery point ${recoveryPoint.id} of ${recoveryPoint.recordedAt} ${named === null ? 'is the newest complete one' : 'was named'}.`
			: named !== null
				? `There is no recovery point ${named}.`
				: `There is no complete recovery point${what}.`;
	// Those of a day without the database are many, and nobody means them.
	const told = passedOver.filter(({ mayBeMeant }) => mayBeMeant);
	const list = told.slice(0, MOST_NAMED).map(({ id, recordedAt, why }) => `${id}${recordedAt === '' ? '' : ` of ${recordedAt}`}: ${why}`);
	const more = told.length > MOST_NAMED ? [`… and ${told.length - MOST_NAMED} more.`] : [];
	const others = told.length === 0 ? [] : [recoveryPoint === null ? 'There are others:' : told.length === 1 ? 'A newer one was passed over:' : `${told.length} newer ones were passed over:`, ...list, ...more];
	return [found, ...others, ...(mustBeNamed ? ['Name the one that you mean.'] : [])].join(' ');
}
