import type { ForeignKey } from './foreign-keys';
import type { RowAction } from './row-action';
import type { Need, Settlement } from './settle';

export interface OrderedActions {
	readonly actions: readonly RowAction[];
	/** Foreign keys that no order can respect: to be checked at the end of the transaction. */
	readonly deferred: readonly ForeignKey[];
}

interface Visit {
	readonly action: RowAction;
	readonly needs: readonly Need[];
	next: number;
}

/**
 * Puts what a patch does into an order in which the server takes it: children go before parents and come back after them, a unique value is freed before it is
 * given again. Where rows need each other, a foreign key is deferred; where that does not help (two rows exchanged a unique value), one of them is left out.
 */
export function orderActions(settlement: Settlement, inTurn: (actions: readonly RowAction[]) => readonly RowAction[]): OrderedActions {
	const deferred = new Set<ForeignKey>();
	for (;;) {
		const { ordered, knots } = walk(settlement, inTurn(settlement.actions), deferred);
		if (knots.length === 0) return { actions: ordered, deferred: [...deferred] };
		for (const knot of knots) {
			const foreign = knot.find(({ need }) => need.foreign !== null)?.need.foreign;
			const last = knot.at(-1);
			if (foreign) deferred.add(foreign);
			else if (last) settlement.leaveOut(last.action, last.need.why, last.need.columns);
		}
	}
}

interface Step {
	readonly action: RowAction;
	readonly need: Need;
}

function walk(settlement: Settlement, actions: readonly RowAction[], deferred: ReadonlySet<ForeignKey>): { readonly ordered: RowAction[]; readonly knots: Step[][] } {
	const done = new Set<RowAction>();
	const open = new Set<RowAction>();
	const ordered: RowAction[] = [];
	const knots: Step[][] = [];
	for (const action of actions) {
		// Not by recursion: a chain may be as long as the table.
		const path: Visit[] = [];
		const enter = (next: RowAction) => {
			open.add(next);
			path.push({ action: next, needs: settlement.needsOf(next).filter(({ foreign }) => foreign === null || !deferred.has(foreign)), next: 0 });
		};
		if (!done.has(action)) enter(action);
		for (let visit = path.at(-1); visit; visit = path.at(-1)) {
			const need = visit.needs[visit.next];
			if (need === undefined) {
				path.pop();
				open.delete(visit.action);
				done.add(visit.action);
				ordered.push(visit.action);
				continue;
			}
			visit.next += 1;
			if (open.has(need.first)) knots.push(stepsOf(path.slice(path.findIndex((each) => each.action === need.first))));
			else if (!done.has(need.first)) enter(need.first);
		}
	}
	return { ordered, knots };
}

function stepsOf(path: readonly Visit[]): Step[] {
	return path.flatMap(({ action, needs, next }) => {
		const need = needs[next - 1];
		return need ? [{ action, need }] : [];
	});
}
