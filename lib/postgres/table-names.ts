import pg from 'pg';
import type { TableName } from '../catalog/postgres-manifest';

/** `"schema"."table"`, safe to put into SQL whatever the names hold. */
export function quoteTable(table: TableName): string {
	return `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`;
}

/** How a table is called in messages. */
export function displayTable(table: TableName): string {
	return `${table.schema}.${table.name}`;
}

/** A key that two tables share only when they are one. */
export function tableKey(table: TableName): string {
	return JSON.stringify([table.schema, table.name]);
}
