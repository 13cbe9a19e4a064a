import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { APPLICATION_NAME } from './own-server';

export interface PageCheck {
	readonly tables: number;
	readonly indexes: number;
	/** Databases whose server has no amcheck. */
	readonly without: string[];
}

const MOST_NAMED = 10;

/**
 * Reads every table and every B-tree index of all databases as `pg_amcheck` does, with the same functions of the extension amcheck
 * (https://www.postgresql.org/docs/current/amcheck.html). Where a database does not have it, it is created for this and dropped again.
 * @throws BackupError `RESTORE_FAILED` naming what is damaged
 */
export async function checkPages(connection: PostgresConnection, databases: readonly string[], serverMajor: number, context: JobContext): Promise<PageCheck> {
	const total = { tables: 0, indexes: 0, without: [] as string[] };
	const damaged: string[] = [];
	for (const database of databases) {
		await withClient(connection, { database, signal: context.signal, applicationName: APPLICATION_NAME, doing: `reading all pages of "${database}"` }, async (client) => {
			const schema = await provideAmcheck(client);
			if (schema === undefined) {
				total.without.push(database);
				return;
			}
			const relations = await listRelations(client);
			for (const [at, relation] of relations.entries()) {
				throwIfAborted(context.signal);
				context.progress({ step: `Reading all pages of "${database}"`, done: at, total: relations.length, unit: 'tables' });
				// verify_heapam came with PostgreSQL 14.
				if (relation.kind !== 'i' && serverMajor < 14) continue;
				const problem = await checkRelation(client, escapeIdentifier(schema.name), relation);
				if (problem !== undefined) damaged.push(`${relation.name} in "${database}": ${problem}`);
				if (relation.kind === 'i') total.indexes += 1;
				else total.tables += 1;
			}
			if (schema.own) await client.query('DROP EXTENSION amcheck');
		});
	}
	if (damaged.length === 0) return total;
	const more = damaged.length > MOST_NAMED ? `; and ${damaged.length - MOST_NAMED} more` : '';
	throw new BackupError('RESTORE_FAILED', `The recovered server has damaged pages: ${damaged.slice(0, MOST_NAMED).join('; ')}${more}.`, 'Recover from an older base backup. See whether the server that was backed up has the same damage (pg_amcheck): if so, its own disk or memory is at fault.');
}

async function provideAmcheck(client: pg.Client): Promise<{ readonly name: string; readonly own: boolean } | undefined> {
	// In the backup and not on this machine: its functions cannot be called.
	const available = await client.query(`SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'amcheck'`);
	if (available.rowCount === 0) return undefined;
	const installed = await client.query<{ name: string }>(`SELECT n.nspname AS name FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'`);
	if (installed.rows[0]) return { name: installed.rows[0].name, own: false };
	// A person's event triggers have no business here.
	await client.query('SET session_replication_role = replica');
	await client.query('CREATE EXTENSION amcheck WITH SCHEMA pg_catalog');
	return { name: 'pg_catalog', own: true };
}

interface Relation {
	readonly oid: string;
	readonly name: string;
	readonly kind: string;
}

async function listRelations(client: pg.Client): Promise<Relation[]> {
	const { rows } = await client.query<Relation>(
		`SELECT c.oid::text AS oid, c.oid::pg_catalog.regclass::text AS name, c.relkind::text AS kind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
		WHERE c.relpersistence <> 't' AND ((c.relkind IN ('r', 'm', 't') AND a.amname = 'heap' AND c.relpersistence = 'p') OR (c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid AND i.indisready AND c.relpersistence = 'p'))
		ORDER BY c.relkind = 'i', c.oid`,
	);
	return rows;
}

async function checkRelation(client: pg.Client, schema: string, { oid, kind }: Relation): Promise<string | undefined> {
	try {
		if (kind === 'i') {
			await client.query(`SELECT ${schema}.bt_index_check($1::oid::pg_catalog.regclass)`, [oid]);
			return undefined;
		}
		const { rows } = await client.query<{ blkno: string; msg: string }>(`SELECT blkno::text, msg FROM ${schema}.verify_heapam($1::oid::pg_catalog.regclass, on_error_stop => true) LIMIT 1`, [oid]);
		return rows[0] && `block ${rows[0].blkno}: ${rows[0].msg}`;
	} catch (error) {
		const { code, message } = error as { code?: unknown; message?: string };
		// Damage (XX001, XX002), internal errors, or a file that is missing; anything else, like a library or a disk of this machine, is no judgement on the pages.
		if (typeof code === 'string' && (code.startsWith('XX') || (code === '58P01' && !/could not access file/.test(message ?? '')))) return message ?? code;
		throw error;
	}
}
