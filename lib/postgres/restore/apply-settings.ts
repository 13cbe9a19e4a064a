import type pg from 'pg';
import { escapeIdentifier, escapeLiteral } from 'pg';
import type { DatabaseSettings } from '../../catalog/postgres-manifest';
import { BackupError } from '../../core/errors';
import { sqlState } from '../server-error';

/** Settings whose value is a list of names: PostgreSQL stores them already quoted, element by element, and pg_dump writes them as they are. */
const LIST_SETTINGS = new Set(['local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories']);

/** SQLSTATEs of settings that this server does not know, or no longer lets be set for a database. */
const UNKNOWN_SETTING_STATES = ['42704', '22023', '55P02'];

/**
 * Gives a restored database what a dump does not carry: `ALTER DATABASE … SET`, `ALTER ROLE … IN DATABASE … SET` and, for one that we
 * created, its privileges.
 * @returns a warning for each setting that this server does not take, with the statement to run by hand
 * @throws BackupError `RESTORE_FAILED` for anything else that is refused: a privilege that is silently missing is a hole
 */
export async function applyDatabaseSettings(client: pg.Client, database: string, settings: DatabaseSettings, options: { readonly privileges: boolean }): Promise<string[]> {
	const warnings: string[] = [];
	for (const statement of configurationStatements(database, settings)) {
		try {
			await client.query(statement);
		} catch (error) {
			if (!UNKNOWN_SETTING_STATES.includes(sqlState(error) ?? '')) throw refused(statement, error);
			warnings.push(`A setting was not taken by this server (${(error as Error).message}); where it is still needed: ${statement};`);
		}
	}
	if (options.privileges) await applyPrivileges(client, database, settings);
	return warnings;
}

export function configurationStatements(database: string, settings: Pick<DatabaseSettings, 'configuration' | 'roleConfiguration'>): string[] {
	const name = escapeIdentifier(database);
	return [
		...settings.configuration.map((setting) => `ALTER DATABASE ${name} SET ${assignment(setting)}`),
		...settings.roleConfiguration.map((setting) => `ALTER ROLE ${escapeIdentifier(setting.role)} IN DATABASE ${name} SET ${assignment(setting)}`),
	];
}

function assignment({ name, value }: { readonly name: string; readonly value: string }): string {
	// Custom settings have a dot between two identifiers.
	const quoted = name.split('.').map((part) => escapeIdentifier(part)).join('.');
	return `${quoted} TO ${LIST_SETTINGS.has(name.toLowerCase()) && value !== '' ? value : escapeLiteral(value)}`;
}

type Privilege = NonNullable<DatabaseSettings['privileges']>[number];

async function applyPrivileges(client: pg.Client, database: string, settings: DatabaseSettings): Promise<void> {
	if (settings.privileges === null) return;
	const statements = privilegeStatements(database, settings.owner, settings.privileges);
	let current = '';
	await client.query('BEGIN');
	try {
		for (current of statements) await client.query(current);
		await client.query('COMMIT');
	} catch (error) {
		await client.query('ROLLBACK');
		throw refused(current, error);
	}
}

/** As pg_dump does it: everything away, then each grant by its grantor, those first on which others rest. */
export function privilegeStatements(database: string, owner: string, privileges: readonly Privilege[]): string[] {
	const name = escapeIdentifier(database);
	const statements = [`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`, `REVOKE ALL ON DATABASE ${name} FROM ${escapeIdentifier(owner)}`];
	for (const grant of inGrantOrder(owner, privileges)) {
		const statement = `GRANT ${grant.privilege} ON DATABASE ${name} TO ${grantee(grant.grantee)}${grant.grantable && grant.grantee !== owner ? ' WITH GRANT OPTION' : ''}`;
		if (grant.grantor === owner) statements.push(statement);
		else statements.push(`SET LOCAL ROLE ${escapeIdentifier(grant.grantor)}`, statement, 'RESET ROLE');
	}
	return statements;
}

function inGrantOrder(owner: string, privileges: readonly Privilege[]): Privilege[] {
	const ordered: Privilege[] = [];
	let left = [...privileges];
	while (left.length > 0) {
		const possible = left.filter(
			(grant) => grant.grantor === owner || ordered.some((done) => done.grantable && done.grantee === grant.grantor && done.privilege === grant.privilege),
		);
		// Rests on something that is not recorded: the server shall say so.
		const next = possible.length > 0 ? possible : left;
		ordered.push(...next);
		left = left.filter((grant) => !next.includes(grant));
	}
	return ordered;
}

function grantee(name: string): string {
	return name === 'public' || name === '' ? 'PUBLIC' : escapeIdentifier(name);
}

function refused(statement: string, error: unknown): unknown {
	if (sqlState(error) === undefined) return error;
	return new BackupError(
		'RESTORE_FAILED',
		`A setting of the database could not be restored: ${(error as Error).message} (${statement})`,
		'Restore as a superuser, or make the restoring role a member of the roles named above.',
		{ cause: error },
	);
}
