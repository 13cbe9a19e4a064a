import type { JobContext } from '../../core/context';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { readSlot, type SlotState } from './replication-slot';
import { slotWarnings } from './slot-warnings';

const LOOK_MS = 30_000;

/** By the server's clock alone, which dates the commits. One that was set back to before the last commit counts as idle. */
const HEARTBEAT = `SELECT pg_catalog.pg_logical_emit_message(true, 'backup_recovery', '') WHERE NOT pg_catalog.pg_is_in_recovery()
	AND ($1::timestamptz IS NULL OR $1::timestamptz NOT BETWEEN pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2) AND pg_catalog.clock_timestamp())`;

export interface WatchOptions {
	readonly connection: PostgresConnection;
	readonly slotName: string;
	readonly heartbeatSeconds: number | null;
}

export interface Watcher {
	/** The newest commit that is archived. */
	lastCommitAt(): string | null;
	slot(state: SlotState | undefined): void;
	warn(message: string): void;
}

/**
 * Looks after the slot, and gives an idle server a commit now and then, over a connection of its own each time. A server that cannot be
 * reached is nothing to report here: the stream does.
 * @returns what to clear at the end
 */
export function watchServer({ connection, slotName, heartbeatSeconds }: WatchOptions, context: JobContext, watcher: Watcher): NodeJS.Timeout[] {
	let busy = false;
	let warned = '';
	const look = async () => {
		if (busy || context.signal.aborted) return;
		busy = true;
		try {
			await withClient(connection, { signal: context.signal, applicationName: 'backup-recovery WAL watch', doing: 'looking after the replication slot' }, async (client) => {
				const slot = await readSlot(client, slotName);
				watcher.slot(slot);
				const warnings = slotWarnings(slot, slotName);
				// Their figures change all the time; the kind of trouble matters.
				const kind = warnings.join().replace(/\d+/g, '');
				if (kind !== warned) for (const warning of warnings) watcher.warn(warning);
				warned = kind;
				if (heartbeatSeconds === null) return;
				await client.query('SET synchronous_commit = off');
				await client.query(HEARTBEAT, [watcher.lastCommitAt(), heartbeatSeconds]);
			});
		} catch {
			// The stream itself reports what is wrong with the server.
		} finally {
			busy = false;
		}
	};
	return [setInterval(() => void look(), Math.min(LOOK_MS, (heartbeatSeconds ?? Infinity) * 1000))];
}
