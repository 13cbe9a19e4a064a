import { tableKey } from '../table-names';
import { childOf, type ForeignKey, parentOf } from './foreign-keys';
import type { LiveFacts } from './live-facts';
import { nameOf, placesOf, removes, type RowAction, sets, valuesThen } from './row-action';
import type { DiffSchema, DiffTable } from './tables';
import type { KeptReason } from './three-way';

/** An action that has to be done before another one. */
export interface Need {
	readonly first: RowAction;
	/** Why the other one is left out where both need each other, and the columns that it is about. */
	readonly why: KeptReason;
	readonly columns: readonly string[];
	/** The order does not matter where this foreign key is checked at the end of the transaction. */
	readonly foreign: ForeignKey | null;
}

interface TableRules {
	/** What its rows refer by. */
	readonly foreign: readonly ForeignKey[];
	/** Columns that one rule is about together. */
	readonly combinations: readonly (readonly string[])[];
}

interface Judgement {
	readonly problem: { readonly why: KeptReason; readonly columns: readonly string[] } | null;
	readonly needs: readonly Need[];
}

/**
 * Leaves out, of what a patch would do, whatever the rules of the database forbid or would carry on to rows that are to stay: a row goes only where nothing that
 * stays refers to it, and comes back only where what it refers to exists and its unique values are free. What is left can be applied.
 */
export class Settlement {
	private readonly rows = new Map<string, RowAction>();
	private readonly dependents = new Map<RowAction, Set<RowAction>>();
	/** Who brings a combination of values in. */
	private readonly providers = new Map<string, RowAction[]>();
	private readonly rules = new Map<DiffTable, TableRules>();

	constructor(schema: DiffSchema, actions: readonly RowAction[], private readonly facts: ReadonlyMap<RowAction, LiveFacts>) {
		for (const table of schema.tables) this.rules.set(table, rulesOf(table, schema));
		for (const action of actions) {
			this.rows.set(nameOf(action), action);
			for (const columns of this.rulesOn(action).combinations) {
				if (!sets(action, columns)) continue;
				const name = combination(tableKey(action.table), columns, valuesThen(action, columns));
				this.providers.set(name, [...(this.providers.get(name) ?? []), action]);
			}
		}
		this.judgeAll(actions);
	}

	/** What is left. */
	get actions(): RowAction[] {
		return [...this.rows.values()];
	}

	needsOf(action: RowAction): readonly Need[] {
		return this.judge(action).needs;
	}

	/** Leaves an action out, or those columns of it, and whatever cannot be done without it. */
	leaveOut(action: RowAction, why: KeptReason, columns: readonly string[]): void {
		if (!this.stands(action)) return;
		this.drop(action, why, columns);
		this.judgeAll([action, ...(this.dependents.get(action) ?? [])]);
	}

	stands(action: RowAction): boolean {
		return this.rows.get(nameOf(action)) === action;
	}

	private judgeAll(actions: readonly RowAction[]): void {
		const waiting = new Set(actions);
		for (const action of waiting) {
			waiting.delete(action);
			if (!this.stands(action)) continue;
			const { problem, needs } = this.judge(action);
			for (const { first } of needs) {
				const others = this.dependents.get(first);
				if (others) others.add(action);
				else this.dependents.set(first, new Set([action]));
			}
			if (problem === null) continue;
			this.drop(action, problem.why, problem.columns);
			waiting.add(action);
			for (const other of this.dependents.get(action) ?? []) waiting.add(other);
		}
	}

	/** Columns that a rule is about come back together or not at all. */
	private drop(action: RowAction, why: KeptReason, names: readonly string[]): void {
		if (action.kind !== 'update') {
			action.kept.push({ why, columns: action.table.columns.map((_, at) => at) });
			this.rows.delete(nameOf(action));
			return;
		}
		const gone = new Set(placesOf(action.table, names));
		for (let size = 0; size !== gone.size; ) {
			size = gone.size;
			for (const columns of this.rulesOn(action).combinations) {
				const places = placesOf(action.table, columns);
				if (places.some((at) => gone.has(at) && action.columns.includes(at))) for (const at of places) gone.add(at);
			}
		}
		action.kept.push({ why, columns: action.columns.filter((at) => gone.has(at)) });
		action.columns = action.columns.filter((at) => !gone.has(at));
		if (action.columns.length === 0) this.rows.delete(nameOf(action));
	}

	private rulesOn({ table }: RowAction): TableRules {
		return this.rules.get(table) ?? { foreign: [], combinations: [] };
	}

	private judge(action: RowAction): Judgement {
		const needs: Need[] = [];
		const problem = this.referrersOf(action, needs) ?? this.parentsOf(action, needs) ?? this.holdersOf(action, needs);
		return { problem: problem ?? null, needs };
	}

	private referrersOf(action: RowAction, needs: Need[]): Judgement['problem'] {
		for (const { foreign, row } of this.facts.get(action)?.referrers ?? []) {
			if (!removes(action, foreign.parentColumns)) continue;
			const because = { why: 'referredTo' as const, columns: foreign.parentColumns };
			const other = this.rows.get(row);
			if (!other || !removes(other, foreign.columns)) return because;
			if (other !== action) needs.push({ first: other, ...because, foreign: null });
		}
		return null;
	}

	private parentsOf(action: RowAction, needs: Need[]): Judgement['problem'] {
		for (const foreign of this.rulesOn(action).foreign) {
			if (!sets(action, foreign.columns)) continue;
			const values = valuesThen(action, foreign.columns);
			if (values.includes(null)) continue;
			const because = { why: 'parentGone' as const, columns: foreign.columns };
			const going: RowAction[] = [];
			let exists = false;
			for (const row of this.facts.get(action)?.parents.get(foreign) ?? []) {
				const parent = this.rows.get(row);
				if (parent && removes(parent, foreign.parentColumns)) going.push(parent);
				else exists = true;
			}
			// One that goes would take along what refers to it already.
			for (const parent of going) if (parent !== action) needs.push({ first: parent, ...because, foreign: null });
			if (exists) continue;
			const provider = this.provided(parentOf(foreign), foreign.parentColumns, values)[0];
			if (!provider) return because;
			if (provider !== action) needs.push({ first: provider, ...because, foreign });
		}
		return null;
	}

	private holdersOf(action: RowAction, needs: Need[]): Judgement['problem'] {
		for (const rule of action.table.uniques) {
			if (!sets(action, rule.columns)) continue;
			const because = { why: 'valueTaken' as const, columns: rule.columns };
			const values = valuesThen(action, rule.columns);
			if (values.includes(null) && !rule.nullsEqual) continue;
			for (const row of this.facts.get(action)?.holders.get(rule) ?? []) {
				const other = this.rows.get(row);
				if (!other || !removes(other, rule.columns)) return because;
				if (rule.immediate) needs.push({ first: other, ...because, foreign: null });
			}
			if (this.provided(tableKey(action.table), rule.columns, values)[0] !== action) return because;
		}
		return null;
	}

	private provided(table: string, columns: readonly string[], values: readonly (string | null)[]): RowAction[] {
		return (this.providers.get(combination(table, columns, values)) ?? []).filter((action) => this.stands(action) && sets(action, columns));
	}
}

function combination(table: string, columns: readonly string[], values: readonly (string | null)[]): string {
	return JSON.stringify([table, columns, values]);
}

function rulesOf(table: DiffTable, { foreignKeys }: DiffSchema): TableRules {
	const own = tableKey(table);
	const foreign = foreignKeys.filter((each) => childOf(each) === own);
	const referring = foreignKeys.filter((each) => parentOf(each) === own);
	return { foreign, combinations: [...table.uniques.map(({ columns }) => columns), ...referring.map(({ parentColumns }) => parentColumns), ...foreign.map(({ columns }) => columns)] };
}
