import { quotePattern, resolveSelection } from '../../../lib/postgres/selection';
import type { Relation } from '../../../lib/postgres/relations';

function relation(oid: string, name: string, more: Partial<Relation> = {}): Relation {
	return {
		oid,
		schema: 'public',
		name,
		kind: 'r',
		isPartition: false,
		parents: [],
		extension: null,
		extensionCondition: null,
		hasVirtualColumns: false,
		storedColumns: null,
		...more,
	};
}

const everything = { includeSchemas: [], excludeSchemas: [], includeTables: [], excludeTables: [] };
const relations = [
	relation('1', 'deals'),
	relation('2', 'orders', { kind: 'p' }),
	relation('3', 'orders_2025', { kind: 'p', isPartition: true, parents: ['2'] }),
	relation('4', 'orders_2025_eu', { isPartition: true, parents: ['3'], schema: 'archive' }),
	relation('5', 'child', { parents: ['1'] }),
	relation('6', 'config', { extension: 'ext', extensionCondition: 'WHERE own' }),
	relation('7', 'internals', { extension: 'ext' }),
	relation('8', 'a_view', { kind: 'v' }),
	relation('9', 'remote', { kind: 'f' }),
];
const schemas = ['archive', 'public'];
const names = (chosen: readonly Relation[]) => chosen.map(({ name }) => name);

it('everything: each table with rows, and those of extensions that want theirs dumped', () => {
	const selection = resolveSelection(relations, schemas, everything);
	expect(selection).toMatchObject({ kind: 'full', arguments: [], largeObjects: true });
	expect(names(selection.tables)).toEqual(['deals', 'orders_2025_eu', 'child', 'config']);
	expect(names(selection.relations)).not.toContain('internals');
});

it('a partition brings the tables above it, and a partitioned table all below it', () => {
	const leaf = resolveSelection(relations, schemas, {
		...everything,
		includeTables: [{ schema: 'archive', name: 'orders_2025_eu' }],
	});
	expect(leaf.arguments).toEqual([
		'--table="archive"."orders_2025_eu"',
		'--table="public"."orders_2025"',
		'--table="public"."orders"',
		'--strict-names',
	]);
	const top = resolveSelection(relations, schemas, { ...everything, includeTables: [{ schema: 'public', name: 'orders' }] });
	expect(names(top.tables)).toEqual(['orders_2025_eu']);
});

it('a table that others inherit from stands for itself', () => {
	const selection = resolveSelection(relations, schemas, { ...everything, excludeTables: [{ schema: 'public', name: 'deals' }] });
	expect(selection.arguments).toEqual(['--exclude-table="public"."deals"']);
	expect(names(selection.tables)).toContain('child');
});

it('the tables of an extension cannot be chosen', () => {
	expect(() =>
		resolveSelection(relations, schemas, { ...everything, includeTables: [{ schema: 'public', name: 'config' }] }),
	).toThrow('There is no table public.config');
});

it('quotes names so that nothing in them is a pattern', () => {
	expect(quotePattern('a"b.*?$c')).toBe('"a""b.*?$c"');
});
