import { rm } from 'node:fs/promises';
import { pause } from '../../../core/abortable';
import type { JobContext } from '../../../core/context';
import { BackupError } from '../../../core/errors';
import { withClient } from '../../connect';
import type { PostgresConnection } from '../../connection-settings';
import { endNow, type OwnServerOptions, startRecovered } from '../own-server';
import { LogReader, recoveryFailure } from '../server-log';
import { parseLsn } from '../../replication/lsn';

export const APPLICATION_NAME = 'backup-recovery find incident';
const POLL_MS = 50;

export type PausedServerOptions = Omit<OwnServerOptions, 'endOfWalIsEnough'>;

/** Where a recovery stands: just before the record at this LSN, or just after it. */
export interface StopAt {
	readonly lsn: string;
	readonly inclusive: boolean;
}

interface ReplayState {
	readonly recovering: boolean;
	readonly paused: boolean;
	readonly replayed: string | null;
}

/**
 * Starts a server whose settings say where to pause, waits until it stands there, lets `body` ask it, and ends it so that it can be sent on.
 * @throws BackupError `RESTORE_FAILED` with the server's own words, `TARGET_MISSED` where it paused elsewhere
 */
export async function withPausedServer<T>(options: PausedServerOptions, stop: StopAt, context: JobContext, body: (connection: PostgresConnection) => Promise<T>): Promise<T> {
	// What an earlier start said is no part of this one's story.
	await rm(options.logFile, { force: true });
	const { process: server, connection } = await startRecovered({ ...options, endOfWalIsEnough: false }, context);
	try {
		const reader = new LogReader(options.logFile);
		for (;;) {
			const ended = server.ended();
			const log = await reader.read();
			if (ended !== undefined) throw recoveryFailure(log, ended);
			context.progress({ step: 'Replaying the log', done: Math.min(log.restoredFiles, options.segments), total: options.segments, unit: 'steps' });
			const state = await replayState(connection, context);
			if (!state.recovering) throw new BackupError('TARGET_MISSED', `The server did not pause at ${stop.lsn}.`, 'Report this: without pausing there nothing can be asked.');
			if (state.paused) {
				requireAt(state, stop, log.tail);
				break;
			}
			await pause(POLL_MS, context.signal);
		}
		const answer = await body(connection);
		// The next start goes on from the last checkpoint in the log before here, not from the base backup. (An orderly end takes a second: a paused server looks that rarely.)
		await withClient(connection, { signal: context.signal, applicationName: APPLICATION_NAME, doing: 'writing down how far it came' }, async (client) => await client.query('CHECKPOINT'));
		return answer;
	} finally {
		await endNow(server);
	}
}

/** PostgreSQL also pauses where the original server got settings that this one lacks. */
function requireAt({ replayed }: ReplayState, { lsn, inclusive }: StopAt, tail: readonly string[]): void {
	const at = replayed === null ? undefined : parseLsn(replayed);
	const target = parseLsn(lsn);
	if (at !== undefined && (inclusive ? at > target : at <= target)) return;
	throw new BackupError('TARGET_MISSED', `The server paused at ${replayed ?? 'the base backup'} instead of at ${lsn}: ${tail.join(' | ')}.`, 'The original server was given larger settings (max_connections and the like) after the base backup. Start from a base backup taken after that.');
}

async function replayState(connection: PostgresConnection, { signal }: JobContext): Promise<ReplayState> {
	return await withClient(connection, { signal, applicationName: APPLICATION_NAME, doing: 'looking where the recovery stands' }, async (client) => {
		const { rows } = await client.query<ReplayState>(
			`SELECT pg_catalog.pg_is_in_recovery() AS recovering, CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() ELSE false END AS paused,
				pg_catalog.pg_last_wal_replay_lsn()::text AS replayed`,
		);
		return rows[0] ?? { recovering: false, paused: false, replayed: null };
	});
}
