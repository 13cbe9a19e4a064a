import { statfs } from 'node:fs/promises';
import type pg from 'pg';
import type { JobContext } from '../core/context';
import { BackupError, throwIfAborted, toBackupError } from '../core/errors';
import { findClient } from './clients';
import { withClient } from './connect';
import type { PostgresConnection } from './connection-settings';
import { findMissingRights, missingRightsError } from './missing-rights';
import { listRelations } from './relations';
import { NEWEST_KNOWN_MAJOR, readServerVersion, type ServerVersion } from './server-version';

/** One precondition and whether it holds. */
export interface PreflightCheck {
	readonly check: string;
	readonly state: 'passed' | 'warning' | 'failed';
	readonly detail: string;
	readonly hint?: string;
}

/**
 * Checks everything that a full dump of a database needs, and goes on after what fails, so that one run names all there is to
 * mend. Changes nothing.
 */
export async function runPreflight(
	options: { readonly connection: PostgresConnection; readonly database: string },
	context: JobContext,
): Promise<PreflightCheck[]> {
	const { connection, database } = options;
	const session = {
		database,
		signal: context.signal,
		applicationName: 'backup-recovery preflight',
		doing: `checking "${database}"`,
	};
	try {
		return await withClient(connection, session, async (client) => {
			const checks: PreflightCheck[] = [];
			const attempt = async <T>(
				check: string,
				work: () => Promise<{ readonly detail: string; readonly value?: T; readonly warning?: string }>,
			): Promise<T | undefined> => {
				try {
					const { detail, value, warning } = await work();
					checks.push(
						warning === undefined ? { check, state: 'passed', detail } : { check, state: 'warning', detail, hint: warning },
					);
					return value;
				} catch (error) {
					throwIfAborted(context.signal);
					checks.push(failed(check, toBackupError(error)));
					return undefined;
				}
			};
			checks.push({
				check: 'Connection',
				state: 'passed',
				detail: `Connected to "${database}" on ${connection.host}:${connection.port}.`,
			});
			const server = await attempt('Server version', () => checkVersion(client));
			if (server) await attempt('pg_dump', () => checkClient(server, connection, context.signal));
			await attempt('Rights', () => checkRights(client, connection.user, database));
			await attempt('Temporary space', () => checkSpace(client, context.workFolder));
			return checks;
		});
	} catch (error) {
		throwIfAborted(context.signal);
		return [failed('Connection', toBackupError(error))];
	}
}

function failed(check: string, { message, hint }: BackupError): PreflightCheck {
	return { check, state: 'failed', detail: message, hint };
}

async function checkVersion(client: pg.Client): Promise<{ detail: string; value: ServerVersion; warning?: string }> {
	const server = await readServerVersion(client);
	const detail = `PostgreSQL ${server.version}.`;
	return server.major <= NEWEST_KNOWN_MAJOR
		? { detail, value: server }
		: {
				detail,
				value: server,
				warning: `This version is newer than ${NEWEST_KNOWN_MAJOR}, the newest that this package knows. Look for an update of the package.`,
			};
}

async function checkClient(
	server: ServerVersion,
	connection: PostgresConnection,
	signal: AbortSignal,
): Promise<{ detail: string }> {
	const client = await findClient('pg_dump', { serverMajor: server.major, clientFolder: connection.clientFolder, signal });
	return { detail: `pg_dump ${client.version}, ${client.path}.` };
}

async function checkRights(client: pg.Client, user: string, database: string): Promise<{ detail: string }> {
	const relations = (await listRelations(client)).filter(
		(relation) => relation.extension === null || relation.extensionCondition !== null,
	);
	const missing = await findMissingRights(client, relations, true);
	if (missing.length > 0) throw missingRightsError(missing, user, database);
	return { detail: `"${user}" may read all of the ${relations.length} tables, views and sequences, and every large object.` };
}

/** Only the directory format needs it; the custom format streams. */
async function checkSpace(client: pg.Client, folder: string): Promise<{ detail: string; warning?: string }> {
	const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
	const needed = Number(rows[0]?.bytes);
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	const detail = `The database has ${needed} bytes; ${free} are free in the temporary folder.`;
	return free >= needed
		? { detail }
		: {
				detail,
				warning:
					'The directory format may not fit: use the custom format, or set BACKUP_RECOVERY_TEMP to a folder on a larger disk.',
			};
}
