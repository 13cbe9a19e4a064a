import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { parseLsn } from '../replication/lsn';
import { microseconds } from '../wal/server-time';
import type { WalRecord } from '../../catalog/wal-manifest';
import { APPLICATION_NAME } from './own-server';
import type { Reached } from './recovery-folder';
import { describeTarget, type RecoveryTarget } from './target';

export interface ProveRequest {
	readonly connection: PostgresConnection;
	readonly target: RecoveryTarget;
	readonly inclusive: boolean;
	/** What was laid out to be replayed. */
	readonly records: readonly WalRecord[];
	readonly systemIdentifier: string;
	/** What the log says; null where nobody could read it. */
	readonly stopped: string | null | undefined;
	/** WAL ended at a time after which nothing was committed. */
	readonly toEndOfWal: boolean;
}

export interface Proven {
	readonly reached: Reached;
	readonly databases: string[];
}

interface ServerState {
	readonly recovering: boolean;
	readonly lastTransactionAt: string | null;
	readonly lastLsn: string | null;
	readonly walFile: string;
	readonly systemIdentifier: string;
}

/**
 * Asks the recovered server whether it is what was asked for: no longer in recovery, of the right server, and neither short of the target nor past it.
 * @throws BackupError `TARGET_MISSED`
 */
export async function proveRecovered(request: ProveRequest, { signal }: Pick<JobContext, 'signal'>): Promise<Proven> {
	return await withClient(request.connection, { signal, applicationName: APPLICATION_NAME, doing: 'looking where the recovery stopped' }, async (client) => {
		const { rows } = await client.query<ServerState>(
			`SELECT pg_catalog.pg_is_in_recovery() AS recovering,
				pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "lastTransactionAt",
				pg_catalog.pg_last_wal_replay_lsn()::text AS "lastLsn",
				CASE WHEN pg_catalog.pg_is_in_recovery() THEN '' ELSE pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) END AS "walFile",
				(SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS "systemIdentifier"`,
		);
		const [state] = rows;
		const databases = await client.query<{ datname: string }>('SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname');
		const missed = problemOf(request, state);
		if (missed !== undefined || !state) {
			throw new BackupError('TARGET_MISSED', `The server recovered, and not to ${describeTarget(request.target)}: ${missed ?? 'it says nothing'}.`, 'It was stopped; nothing was changed. Check the WAL with "WAL Continuity", and try another base backup or target.');
		}
		const { lastTransactionAt, lastLsn, walFile } = state;
		return {
			reached: { lastTransactionAt, lastLsn, timeline: Number.parseInt(walFile.slice(0, 8), 16), stopped: request.stopped ?? null },
			databases: databases.rows.map(({ datname }) => datname),
		};
	});
}

function problemOf(request: ProveRequest, state: ServerState | undefined): string | undefined {
	const { target, inclusive, records, stopped } = request;
	if (state === undefined) return undefined;
	if (state.recovering) return 'it is still in recovery';
	if (state.systemIdentifier !== request.systemIdentifier) return `it is the server ${state.systemIdentifier} instead of ${request.systemIdentifier}`;
	const { lastTransactionAt, lastLsn } = state;
	switch (target.by) {
		case 'time': {
			const past = lastTransactionAt !== null && (inclusive ? microseconds(lastTransactionAt) > microseconds(target.time) : microseconds(lastTransactionAt) >= microseconds(target.time));
			if (past) return `its newest transaction is of ${lastTransactionAt}`;
			if (request.toEndOfWal) return shortOf(records, lastLsn);
			return stopped === null ? 'its log does not say that it stopped there' : undefined;
		}
		case 'lsn':
			if (lastLsn === null) return 'it replayed nothing';
			if (inclusive) return parseLsn(lastLsn) < parseLsn(target.lsn) ? `it stopped at ${lastLsn}` : undefined;
			return parseLsn(lastLsn) > parseLsn(target.lsn) ? `it went on to ${lastLsn}` : undefined;
		case 'name':
		case 'xid':
			// The target itself is no time or place that could be compared; without stopping there the server would have ended.
			return stopped === null ? 'its log does not say that it stopped there' : undefined;
		case 'latest':
			return shortOf(records, lastLsn);
	}
}

/** A damaged record ends WAL as if nothing came after it: so whatever is archived must have been replayed. */
function shortOf(records: readonly WalRecord[], lastLsn: string | null): string | undefined {
	const last = records.filter(({ content }) => content !== 'history').at(-1);
	if (!last) return undefined;
	if (lastLsn === null || parseLsn(lastLsn) <= parseLsn(last.startLsn)) {
		return `it stopped at ${lastLsn ?? 'the base backup'}, and WAL is archived up to ${last.endLsn}`;
	}
	return undefined;
}
