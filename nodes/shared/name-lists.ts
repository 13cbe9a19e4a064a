import type { TableName } from '../../lib/catalog/postgres-manifest';
import { wrong } from './parameters';

/** A table as the value of a drop-down entry: a JSON array, so that any name survives, whatever characters it has. */
export function tableValue(table: TableName): string {
	return JSON.stringify([table.schema, table.name]);
}

/**
 * Tables as they come from a drop-down or an expression: entries of the drop-down, `{ schema, name }`,
 * or `schema.table` where neither name holds a dot or a quote.
 */
export function readTables(value: unknown, label: string): TableName[] {
	return asList(value).map((entry) => readTable(entry, label));
}

/** Schema names as they come from a drop-down or an expression. */
export function readNames(value: unknown, label: string): string[] {
	return asList(value).map((entry) => {
		if (typeof entry === 'string' && entry !== '') return entry;
		throw wrong(label, 'holds something that is not a name', 'Use a list of names.');
	});
}

function asList(value: unknown): unknown[] {
	if (value === undefined || value === null || value === '') return [];
	return Array.isArray(value) ? value : [value];
}

function readTable(entry: unknown, label: string): TableName {
	const pair = typeof entry === 'string' ? pairFromText(entry) : pairFromObject(entry);
	if (pair !== undefined && pair.schema !== '' && pair.name !== '') return pair;
	throw wrong(
		label,
		'holds an entry that names no table',
		'Choose tables from the list, or use an expression that yields a list of { "schema": …, "name": … } or of "schema.table".',
	);
}

function pairFromText(text: string): TableName | undefined {
	if (text.startsWith('[')) return pairFromJson(text);
	const parts = text.split('.');
	const [schema, name] = parts;
	if (parts.length !== 2 || schema === undefined || name === undefined || text.includes('"')) return undefined;
	return { schema, name };
}

function pairFromJson(text: string): TableName | undefined {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (!Array.isArray(value) || value.length !== 2) return undefined;
	const [schema, name] = value as unknown[];
	return typeof schema === 'string' && typeof name === 'string' ? { schema, name } : undefined;
}

function pairFromObject(entry: unknown): TableName | undefined {
	if (typeof entry !== 'object' || entry === null || !('schema' in entry) || !('name' in entry)) return undefined;
	const { schema, name } = entry;
	return typeof schema === 'string' && typeof name === 'string' ? { schema, name } : undefined;
}
