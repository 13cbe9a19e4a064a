import type pg from 'pg';
import { escapeIdentifier } from 'pg';
import { readArtifact } from '../../backup/read-artifact';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { sqlState } from '../server-error';
import { type GlobalsStatement, readGlobalsStatement } from './globals-statements';
import { splitStatements, type SqlStatement } from './sql-statements';

/** More text than this is not roles and tablespaces any more. */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_LISTED_ERRORS = 10;

/** A globals backup, read and taken apart. `sql` may hold password hashes. */
export interface Globals {
	readonly id: string;
	readonly statements: ReadonlyArray<{ readonly sql: SqlStatement; readonly meaning: GlobalsStatement }>;
	/** The roles that it would create. */
	readonly roles: ReadonlySet<string>;
}

export interface AppliedGlobals {
	readonly createdRoles: string[];
	readonly warnings: string[];
}

/** @throws BackupError `ARTIFACT_DAMAGED` for one that is damaged, cut off, or holds anything that pg_dumpall does not write */
export async function readGlobals(store: Store, manifest: Manifest, context: Pick<JobContext, 'signal' | 'keys'>): Promise<Globals> {
	const artifact = manifest.artifacts.find((candidate) => candidate.role === 'globals');
	if (!artifact) throw new BackupError('INVALID_INPUT', `Backup ${manifest.id} (${manifest.kind}) holds no globals.`, 'Choose a backup of kind globals.');
	if (artifact.sourceBytes > MOST_BYTES) throw new BackupError('ARTIFACT_DAMAGED', `The globals of backup ${manifest.id} are ${artifact.sourceBytes} bytes long, which cannot be.`, 'Use another globals backup.');
	const chunks: Buffer[] = [];
	for await (const chunk of readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys })) chunks.push(chunk);
	return parseGlobals(manifest.id, Buffer.concat(chunks).toString('utf8'));
}

export function parseGlobals(id: string, text: string): Globals {
	const statements = splitStatements(text).map((sql) => ({ sql, meaning: readGlobalsStatement(sql) }));
	const unknown = statements.find(({ meaning }) => meaning.kind === 'unknown');
	if (unknown) {
		throw new BackupError(
			'ARTIFACT_DAMAGED',
			`The globals of backup ${id} hold a statement in line ${unknown.sql.line} that pg_dumpall does not write.`,
			'Somebody has changed this backup, or it comes from a PostgreSQL that this version does not know. Read it, and create the roles by hand.',
		);
	}
	const roles = statements.flatMap(({ meaning }) => (meaning.kind === 'createRole' ? [meaning.role] : []));
	return { id, statements, roles: new Set(roles) };
}

/**
 * Creates the roles that the server does not have, with everything that the backup says of them and the memberships that involve them.
 * A role that exists is never touched: neither its password nor its attributes. All or nothing, in one transaction.
 * @throws BackupError `RESTORE_FAILED` listing every statement that was refused, by line: the text may hold password hashes
 */
export async function applyGlobals(client: pg.Client, globals: Globals): Promise<AppliedGlobals> {
	const { rows } = await client.query<{ name: string }>('SELECT rolname AS name FROM pg_roles');
	const existing = new Set(rows.map((row) => row.name));
	const fresh = new Set([...globals.roles].filter((role) => !existing.has(role)));
	const errors: string[] = [];
	await client.query('BEGIN');
	try {
		for (const { sql, meaning } of globals.statements) {
			if (isWanted(meaning, fresh)) await runStatement(client, sql, meaning, errors);
		}
		if (errors.length > 0) throw refused(globals.id, errors);
		await client.query('COMMIT');
	} catch (error) {
		await client.query('ROLLBACK');
		throw error;
	}
	return { createdRoles: [...fresh], warnings: await tablespaceWarnings(client, globals) };
}

/** Drops roles that this process created for a drill, once nothing depends on them any more. */
export async function dropCreatedRoles(client: pg.Client, roles: readonly string[]): Promise<void> {
	for (const role of [...roles].reverse()) await client.query(`DROP ROLE IF EXISTS ${escapeIdentifier(role)}`);
}

function isWanted(meaning: GlobalsStatement, fresh: ReadonlySet<string>): boolean {
	switch (meaning.kind) {
		case 'createRole':
		case 'changeRole':
			return fresh.has(meaning.role);
		case 'membership':
			return fresh.has(meaning.role) || fresh.has(meaning.member);
		case 'session':
		case 'tablespace':
		case 'unknown':
			return false;
	}
}

async function runStatement(client: pg.Client, sql: SqlStatement, meaning: GlobalsStatement, errors: string[]): Promise<void> {
	await client.query('SAVEPOINT statement');
	try {
		await client.query(sql.text);
		await client.query('RELEASE SAVEPOINT statement');
	} catch (error) {
		if (sqlState(error) === undefined) throw error;
		await client.query('ROLLBACK TO SAVEPOINT statement');
		errors.push(`line ${sql.line} (${describe(meaning)}): ${(error as Error).message}`);
	}
}

function describe(meaning: GlobalsStatement): string {
	switch (meaning.kind) {
		case 'createRole':
			return `create role ${JSON.stringify(meaning.role)}`;
		case 'changeRole':
			return `role ${JSON.stringify(meaning.role)}`;
		case 'membership':
			return `membership of ${JSON.stringify(meaning.member)} in ${JSON.stringify(meaning.role)}`;
		case 'tablespace':
			return `tablespace ${JSON.stringify(meaning.name)}`;
		case 'session':
		case 'unknown':
			return meaning.kind;
	}
}

function refused(id: string, errors: readonly string[]): BackupError {
	const listed = errors.slice(0, MOST_LISTED_ERRORS).map((error) => `- ${error}`);
	if (errors.length > listed.length) listed.push(`… and ${errors.length - listed.length} more`);
	return new BackupError(
		'RESTORE_FAILED',
		`Roles of the globals backup ${id} could not be created; none was:\n${listed.join('\n')}`,
		'Create the missing roles by hand (CREATE ROLE …), or restore as a superuser.',
	);
}

/** Tablespaces are folders of the server's machine, which cannot be made from here. */
async function tablespaceWarnings(client: pg.Client, globals: Globals): Promise<string[]> {
	const { rows } = await client.query<{ name: string }>('SELECT spcname AS name FROM pg_tablespace');
	const existing = new Set(rows.map((row) => row.name));
	return globals.statements.flatMap(({ meaning }) =>
		meaning.kind === 'tablespace' && meaning.creates && !existing.has(meaning.name)
			? [`The tablespace ${JSON.stringify(meaning.name)} of the globals backup was not created: make its folder on the server's machine and create it by hand where you need it.`]
			: [],
	);
}
