import type { JobContext } from '../../core/context';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { readSlot, type SlotState } from './replication-slot';
import { slotWarnings } from './slot-warnings';

const LOOK_MS = 30_000;

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
				if (heartbeatSeconds === null || !isIdle(watcher.lastCommitAt(), context.now(), heartbeatSeconds)) return;
				await client.query('SET synchronous_commit = off');
				await client.query(`SELECT pg_catalog.pg_logical_emit_message(true, 'backup_recovery', '') WHERE NOT pg_catalog.pg_is_in_recovery()`);
			});
		} catch {
			// The stream itself reports what is wrong with the server.
		} finally {
			busy = false;
		}
	};
	return [setInterval(() => void look(), Math.min(LOOK_MS, (heartbeatSeconds ?? Infinity) * 1000))];
}

function isIdle(lastCommitAt: string | null, now: Date, seconds: number): boolean {
	return lastCommitAt === null || now.getTime() - Date.parse(lastCommitAt) >= seconds * 1000;
}
