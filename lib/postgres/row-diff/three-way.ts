/** The values of a row's stored columns as text, in the order of the table's columns. */
export type RowValues = readonly (string | null)[];

/**
 * What brings one row back. `columns` are places in the row. `kept`: the incident changed the row, and so did somebody later, so that nobody can say which is
 * right: those values stay as they are.
 */
export type RowDecision =
	| { readonly action: 'none' }
	| { readonly action: 'insert' }
	| { readonly action: 'delete' }
	| { readonly action: 'update'; readonly columns: readonly number[]; readonly keptColumns: readonly number[] }
	| { readonly action: 'kept'; readonly why: KeptReason; readonly columns: readonly number[] };

/**
 * `referredTo`: rows that stay refer to it, and would go or change with it. `parentGone`: what it referred to does not exist any more. `valueTaken`: a value
 * that must be unique belongs to another row by now, or rows exchanged such values.
 */
export type KeptReason = 'changedSince' | 'deletedSince' | 'insertedAgain' | 'referredTo' | 'parentGone' | 'valueTaken';

/**
 * Undoes what an incident did to one row, and nothing that came later: a value is put back where the incident changed it and it is still as the incident left it.
 * @param before the row just before the incident; undefined: there was none
 * @param after just after it
 * @param live as it is now
 */
export function decideRow(before: RowValues | undefined, after: RowValues | undefined, live: RowValues | undefined): RowDecision {
	const wrecked = changedColumns(before, after);
	if (before === undefined) {
		if (after === undefined || live === undefined) return { action: 'none' };
		const since = changedColumns(after, live);
		return since.length === 0 ? { action: 'delete' } : { action: 'kept', why: 'changedSince', columns: since };
	}
	if (after === undefined) {
		if (live === undefined) return { action: 'insert' };
		const other = changedColumns(before, live);
		return other.length === 0 ? { action: 'none' } : { action: 'kept', why: 'insertedAgain', columns: other };
	}
	if (wrecked.length === 0) return { action: 'none' };
	if (live === undefined) return { action: 'kept', why: 'deletedSince', columns: wrecked };
	const columns = wrecked.filter((at) => live[at] === after[at]);
	const keptColumns = wrecked.filter((at) => live[at] !== after[at] && live[at] !== before[at]);
	if (columns.length > 0) return { action: 'update', columns, keptColumns };
	return keptColumns.length > 0 ? { action: 'kept', why: 'changedSince', columns: keptColumns } : { action: 'none' };
}

function changedColumns(one: RowValues | undefined, other: RowValues | undefined): number[] {
	if (one === undefined || other === undefined) return [];
	return one.flatMap((value, at) => (value === other[at] ? [] : [at]));
}
