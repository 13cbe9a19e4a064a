import type pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';

export const APPLICATION_NAME = 'backup-recovery restore';

/** Time for the work that must be done although the job was cancelled: dropping what it made. */
const CLEAN_UP_MS = 15_000;

/** A session in a database other than those being created, renamed or dropped. */
export interface Maintenance {
	readonly client: pg.Client;
	readonly connection: PostgresConnection;
	/** The database that the session is in. */
	readonly database: string;
	readonly signal: AbortSignal;
}

/**
 * Connects to a database that is none of `avoid`: the credential's own one, else `postgres` or `template1`.
 * @throws BackupError what the last try failed with
 */
export async function withMaintenance<T>(
	connection: PostgresConnection,
	avoid: readonly string[],
	context: Pick<JobContext, 'signal'>,
	body: (session: Maintenance) => Promise<T>,
): Promise<T> {
	const candidates = [...new Set([connection.database, 'postgres', 'template1'])].filter((name) => !avoid.includes(name));
	for (const [at, database] of candidates.entries()) {
		let connected = false;
		const options = { database, signal: context.signal, applicationName: APPLICATION_NAME, doing: 'restoring' };
		try {
			return await withClient(connection, options, async (client) => {
				connected = true;
				return await body({ client, connection, database, signal: context.signal });
			});
		} catch (error) {
			const another = error instanceof BackupError && (error.code === 'DATABASE_NOT_FOUND' || error.code === 'PERMISSION_DENIED');
			if (connected || !another || at === candidates.length - 1) throw error;
		}
	}
	throw new BackupError(
		'INVALID_INPUT',
		`There is no database to work from: ${avoid.map((name) => JSON.stringify(name)).join(' and ')} cannot be renamed from within.`,
		'Name another database in the credential, for instance "postgres".',
	);
}

/** A session for cleaning up, which a cancelled job still gets. */
export async function withCleanUpSession<T>(connection: PostgresConnection, avoid: readonly string[], body: (session: Maintenance) => Promise<T>): Promise<T> {
	return await withMaintenance(connection, avoid, { signal: AbortSignal.timeout(CLEAN_UP_MS) }, body);
}
