import { sqlState } from '../server-error';
import type { ReplicationSession } from '../replication/replication-session';

/** All slots are taken; slots are switched off, or `wal_level` is too low for them. */
const NO_SLOT = ['53400', '55000'];

/**
 * Makes the server keep its WAL from now on until the session ends, however it ends: a slow base backup needs the WAL since its beginning at its end.
 * @returns what stood in the way, as a sentence; undefined when it worked
 */
export async function reserveWal(session: ReplicationSession, random: Buffer): Promise<string | undefined> {
	try {
		await session.query(`CREATE_REPLICATION_SLOT backup_recovery_base_${random.toString('hex')} TEMPORARY PHYSICAL RESERVE_WAL`);
		return undefined;
	} catch (error) {
		if (!NO_SLOT.includes(sqlState(error) ?? '')) throw error;
		return `The server has no free replication slot (${(error as Error).message}), so it may remove WAL that the backup still needs; then the backup fails. Raise max_replication_slots.`;
	}
}
