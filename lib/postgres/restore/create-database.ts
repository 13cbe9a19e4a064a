import { escapeIdentifier, escapeLiteral } from 'pg';
import type { DatabaseSettings } from '../../catalog/postgres-manifest';
import { BackupError } from '../../core/errors';
import { mapPostgresError } from '../map-error';
import { sqlState } from '../server-error';
import type { Maintenance } from './maintenance';
import type { TargetServer } from './target-server';

/**
 * The statement that creates an empty database like the recorded one: https://www.postgresql.org/docs/current/sql-createdatabase.html
 * Comment, privileges, limits and ALTER DATABASE settings come last, once the contents are proven.
 */
export function createDatabaseStatement(name: string, settings: DatabaseSettings | undefined, target: Pick<TargetServer, 'major' | 'tablespaces'>): string {
	const parts = [`CREATE DATABASE ${escapeIdentifier(name)}`, 'TEMPLATE template0'];
	if (settings) {
		parts.push(`OWNER ${escapeIdentifier(settings.owner)}`, `ENCODING ${escapeLiteral(settings.encoding)}`, ...localeClauses(settings, target.major));
		if (settings.tablespace !== 'pg_default' && target.tablespaces.has(settings.tablespace)) parts.push(`TABLESPACE ${escapeIdentifier(settings.tablespace)}`);
	}
	return parts.join(' ');
}

function localeClauses(settings: DatabaseSettings, major: number): string[] {
	const clauses = [`LC_COLLATE ${escapeLiteral(settings.collate)}`, `LC_CTYPE ${escapeLiteral(settings.ctype)}`];
	if (major < 15) return clauses;
	clauses.push(`LOCALE_PROVIDER ${settings.localeProvider}`);
	switch (settings.localeProvider) {
		case 'libc':
			break;
		case 'icu':
			if (settings.locale !== null) clauses.push(`ICU_LOCALE ${escapeLiteral(settings.locale)}`);
			if (settings.icuRules !== null && major >= 16) clauses.push(`ICU_RULES ${escapeLiteral(settings.icuRules)}`);
			break;
		case 'builtin':
			if (settings.locale !== null) clauses.push(`BUILTIN_LOCALE ${escapeLiteral(settings.locale)}`);
			break;
	}
	return clauses;
}

/** SQLSTATEs with which CREATE DATABASE refuses a locale, provider or encoding. */
const LOCALE_STATES = ['42809', '22023', '0A000', '42704'];

/** @throws BackupError `RESTORE_FAILED` where the server does not have the recorded locale; `DATABASE_EXISTS` */
export async function createDatabase(session: Maintenance, name: string, settings: DatabaseSettings | undefined, target: TargetServer): Promise<void> {
	try {
		await session.client.query(createDatabaseStatement(name, settings, target));
	} catch (error) {
		const state = sqlState(error);
		if (state === '42P04') {
			throw new BackupError('DATABASE_EXISTS', `A database "${name}" exists already.`, 'Choose another name.', { cause: error });
		}
		if (settings && state !== undefined && LOCALE_STATES.includes(state)) {
			const locale = settings.localeProvider === 'libc' ? `${settings.collate} / ${settings.ctype}` : `${settings.localeProvider} ${settings.locale ?? ''}`;
			throw new BackupError(
				'RESTORE_FAILED',
				`The server cannot create a database like the one that was backed up (encoding ${settings.encoding}, locale ${locale}): ${(error as Error).message}.`,
				"Install the locale on the server's machine (Debian: apt-get install locales-all, then restart PostgreSQL), or create an empty database with another locale " +
					'yourself and restore into it with the target "Existing Empty Database".',
				{ cause: error },
			);
		}
		throw mapPostgresError(error, { connection: session.connection, doing: `creating the database "${name}"` });
	}
}
