import { tableKey } from '../table-names';

export interface ForeignKey {
	readonly name: string;
	readonly schema: string;
	readonly table: string;
	readonly parentSchema: string;
	readonly parentTable: string;
	readonly deferrable: boolean;
	/** Deleting a row deletes or changes those that refer to it. */
	readonly deletesReach: boolean;
	readonly columns: readonly string[];
	readonly parentColumns: readonly string[];
}

interface Named {
	readonly schema: string;
	readonly name: string;
}

const childOf = ({ schema, table }: ForeignKey): string => tableKey({ schema, name: table });
const parentOf = ({ parentSchema, parentTable }: ForeignKey): string => tableKey({ schema: parentSchema, name: parentTable });

/** Tables in such an order that each comes after those it refers to, as far as there is one; otherwise as they come. */
export function parentsFirst<T extends Named>(tables: readonly T[], foreignKeys: readonly ForeignKey[]): T[] {
	const byKey = new Map(tables.map((table) => [tableKey(table), table]));
	const ordered = new Set<T>();
	const visiting = new Set<string>();
	const visit = (key: string) => {
		const table = byKey.get(key);
		if (!table || ordered.has(table) || visiting.has(key)) return;
		visiting.add(key);
		for (const foreign of foreignKeys) if (childOf(foreign) === key) visit(parentOf(foreign));
		ordered.add(table);
	};
	for (const key of byKey.keys()) visit(key);
	return [...ordered];
}

/** The foreign keys that lie on a cycle, those of a table to itself among them. */
export function throughCycles(foreignKeys: readonly ForeignKey[]): ForeignKey[] {
	const parents = new Map<string, string[]>();
	for (const foreign of foreignKeys) parents.set(childOf(foreign), [...(parents.get(childOf(foreign)) ?? []), parentOf(foreign)]);
	const leads = (from: string, to: string): boolean => {
		const seen = new Set<string>();
		const waiting = [from];
		for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
			if (key === to) return true;
			if (seen.has(key)) continue;
			seen.add(key);
			waiting.push(...(parents.get(key) ?? []));
		}
		return false;
	};
	return foreignKeys.filter((foreign) => leads(parentOf(foreign), childOf(foreign)));
}
