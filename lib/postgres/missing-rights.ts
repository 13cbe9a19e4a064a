import type pg from 'pg';
import { BackupError } from '../core/errors';
import type { Relation } from './relations';
import { displayTable } from './table-names';

/** Something that the role may not read, and so could not dump. */
export interface MissingRight {
	/** `schema "crm"`, `table crm.deals`, `large object 16401`. */
	readonly object: string;
	/** `USAGE`, `SELECT`, or `BYPASSRLS` where a policy would hide rows. */
	readonly right: 'USAGE' | 'SELECT' | 'BYPASSRLS';
}

const NAMED = 20;

/** Every object of the dump that the current role may not read in full. */
export async function findMissingRights(
	client: pg.Client,
	relations: readonly Relation[],
	largeObjects: boolean,
): Promise<MissingRight[]> {
	const oids = relations.map((relation) => relation.oid);
	const { rows: schemas } = await client.query<{ schema: string }>(SCHEMAS, [oids]);
	const { rows: unreadable } = await client.query<{ oid: string; selectable: boolean }>(RELATIONS, [oids]);
	const { rows: objects } = largeObjects ? await client.query<{ oid: string }>(LARGE_OBJECTS) : { rows: [] };
	const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
	return [
		...schemas.map((row): MissingRight => ({ object: `schema "${row.schema}"`, right: 'USAGE' })),
		...unreadable.flatMap((row): MissingRight[] => {
			const relation = byOid.get(row.oid);
			if (!relation) return [];
			return [
				{
					object: `${relation.kind === 'S' ? 'sequence' : 'table'} ${displayTable(relation)}`,
					right: row.selectable ? 'BYPASSRLS' : 'SELECT',
				},
			];
		}),
		...objects.map((row): MissingRight => ({ object: `large object ${row.oid}`, right: 'SELECT' })),
	];
}

/** The error that names what is missing (the first twenty) and how to grant it. */
export function missingRightsError(missing: readonly MissingRight[], user: string, database: string): BackupError {
	const named = missing.slice(0, NAMED).map(({ object, right }) => `${right} on ${object}`);
	const more = missing.length > NAMED ? `, and ${missing.length - NAMED} more` : '';
	return new BackupError(
		'PERMISSION_DENIED',
		`The role "${user}" may not read all of database "${database}". Missing: ${named.join(', ')}${more}.`,
		grantHint(missing, user),
	);
}

function grantHint(missing: readonly MissingRight[], user: string): string {
	const quoted = `"${user.replaceAll('"', '""')}"`;
	const hints: string[] = [];
	const rights = new Set(missing.map(({ right }) => right));
	if (rights.has('BYPASSRLS')) hints.push(`A policy would hide rows from it: ALTER ROLE ${quoted} BYPASSRLS.`);
	if (missing.some(({ object }) => object.startsWith('large object')))
		hints.push('Large objects are granted one by one, GRANT SELECT ON LARGE OBJECT ...; or dump as their owner or a superuser.');
	if (rights.has('USAGE') || missing.some(({ object, right }) => right === 'SELECT' && !object.startsWith('large object'))) {
		hints.push(
			`As a superuser: GRANT pg_read_all_data TO ${quoted} (PostgreSQL 14 and newer), or GRANT the rights above one by one.`,
		);
	}
	return hints.join(' ');
}

const SCHEMAS = `
SELECT n.nspname AS schema FROM pg_namespace n
WHERE n.oid IN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'S'))
	AND NOT has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname COLLATE "C"`;

/** pg_dump locks tables and reads sequences; of views and foreign tables it takes the definition only, which anyone may read. */
const RELATIONS = `
SELECT c.oid::text, has_table_privilege(c.oid, 'SELECT') AS selectable FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'S')
	AND (NOT has_table_privilege(c.oid, 'SELECT') OR (c.relkind = 'r' AND row_security_active(c.oid)))
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** There is no has_largeobject_privilege before PostgreSQL 18. A superuser has every role. */
const LARGE_OBJECTS = `
SELECT m.oid::text FROM pg_largeobject_metadata m
WHERE current_setting('lo_compat_privileges') <> 'on' AND NOT pg_has_role(m.lomowner, 'USAGE')
	AND NOT EXISTS (
		SELECT FROM aclexplode(m.lomacl) AS a
		WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))
	)
ORDER BY m.oid`;
