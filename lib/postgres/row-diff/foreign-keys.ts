import { tableKey } from '../table-names';

export interface ForeignKey {
	readonly name: string;
	/** The table whose rows refer; of a partition's own foreign key, the whole table. */
	readonly schema: string;
	readonly table: string;
	/** The table that has the foreign key. */
	readonly ownSchema: string;
	readonly ownTable: string;
	readonly parentSchema: string;
	readonly parentTable: string;
	readonly deferrable: boolean;
	readonly columns: readonly string[];
	readonly parentColumns: readonly string[];
}

interface Named {
	readonly schema: string;
	readonly name: string;
}

export const childOf = ({ schema, table }: ForeignKey): string => tableKey({ schema, name: table });
export const parentOf = ({ parentSchema, parentTable }: ForeignKey): string => tableKey({ schema: parentSchema, name: parentTable });

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
