import fc from 'fast-check';
import { decideRow, type RowValues } from '../../../lib/postgres/row-diff/three-way';

type Table = Map<number, (string | null)[]>;
/** What a history does, one after the other; values of later ones are never seen before. */
type Operation = { readonly does: 'insert' | 'update' | 'delete'; readonly key: number; readonly column: number };

const COLUMNS = 3;
const operations = fc.array(fc.record({ does: fc.constantFrom('insert' as const, 'update' as const, 'delete' as const), key: fc.integer({ min: 0, max: 7 }), column: fc.integer({ min: 0, max: COLUMNS - 1 }) }), { maxLength: 20 });

function play(table: Table, history: readonly Operation[], mark: string): Table {
	const result: Table = new Map([...table].map(([key, row]) => [key, [...row]]));
	for (const [at, { does, key, column }] of history.entries()) {
		const row = result.get(key);
		if (does === 'delete') result.delete(key);
		else if (does === 'insert' && !row) result.set(key, Array.from({ length: COLUMNS }, (_, each) => `${mark}${at}.${each}`));
		else if (does === 'update' && row) row[column] = at % 5 === 0 ? null : `${mark}${at}`;
	}
	return result;
}

function mend(before: Table, after: Table, live: Table): Table {
	const result: Table = new Map([...live].map(([key, row]) => [key, [...row]]));
	for (let key = 0; key < 8; key++) {
		const was = before.get(key);
		const decision = decideRow(was, after.get(key), live.get(key));
		switch (decision.action) {
			case 'insert':
				result.set(key, [...was!]);
				break;
			case 'delete':
				result.delete(key);
				break;
			case 'update':
				for (const column of decision.columns) result.get(key)![column] = was![column]!;
				break;
			case 'none':
			case 'kept':
		}
	}
	return result;
}

test('on random histories the wrecked values come back, and what came later stays', () => {
	fc.assert(
		fc.property(operations, operations, operations, (early, incident, later) => {
			const before = play(new Map(), early, 'early');
			const after = play(before, incident, 'wrecked');
			const live = play(after, later, 'later');
			const mended = mend(before, after, live);
			for (let key = 0; key < 8; key++) {
				const [was, wrecked, is, now] = [before.get(key), after.get(key), live.get(key), mended.get(key)];
				if (same(wrecked, is)) {
					// Nobody touched it since: it is what it was.
					expect(now).toEqual(was);
				} else if (is === undefined || wrecked === undefined || was === undefined) {
					// Later work made it, removed it, or went on with what the incident made.
					expect(now).toEqual(is);
				} else {
					for (let column = 0; column < COLUMNS; column++) expect(now![column]).toBe(is[column] === wrecked[column] ? was[column] : is[column]);
				}
			}
		}),
		{ numRuns: 2000 },
	);
});

test('without later work the database is as it was; without an incident nothing is touched', () => {
	fc.assert(
		fc.property(operations, operations, (early, other) => {
			const before = play(new Map(), early, 'early');
			const changed = play(before, other, 'other');
			expect(mend(before, changed, changed)).toEqual(before);
			expect(mend(before, before, changed)).toEqual(changed);
		}),
	);
});

test('who mends twice changes nothing the second time', () => {
	fc.assert(
		fc.property(operations, operations, operations, (early, incident, later) => {
			const before = play(new Map(), early, 'early');
			const after = play(before, incident, 'wrecked');
			const once = mend(before, after, play(after, later, 'later'));
			expect(mend(before, after, once)).toEqual(once);
		}),
	);
});

test('kept columns are named', () => {
	const row = (...values: (string | null)[]): RowValues => values;
	expect(decideRow(row('1', 'a', 'b'), row('1', 'x', 'y'), row('1', 'x', 'later'))).toEqual({ action: 'update', columns: [1], keptColumns: [2] });
	expect(decideRow(row('1', 'a'), row('1', 'x'), undefined)).toEqual({ action: 'kept', why: 'deletedSince', columns: [1] });
	expect(decideRow(row('1', 'a'), undefined, row('1', 'new'))).toEqual({ action: 'kept', why: 'insertedAgain', columns: [1] });
});

function same(one: RowValues | undefined, other: RowValues | undefined): boolean {
	return JSON.stringify(one) === JSON.stringify(other);
}
