import pg from 'pg';
import { BackupError } from '../../core/errors';
import { type Lsn, parseLsn } from '../replication/lsn';
import type { ReplicationSession } from '../replication/replication-session';
import { sqlState } from '../server-error';
import { slotLiteral } from './receive-timeline';

/** What the server says of our slot; https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
export interface SlotState {
	readonly name: string;
	/** The oldest log that the server keeps for us; null: it keeps none. */
	readonly restartLsn: Lsn | null;
	/** `reserved`, `extended`, `unreserved` or `lost`. */
	readonly walStatus: string | null;
	/** Bytes that can still be written before the slot may be lost; null: no limit is set. */
	readonly safeBytes: number | null;
	/** Bytes of log that the server keeps for us. */
	readonly heldBytes: number;
	/** `max_slot_wal_keep_size` in bytes; null: no limit. */
	readonly keepLimitBytes: number | null;
}

const OBJECT_EXISTS = '42710';

/** The slot as it is; undefined where there is none. @throws BackupError `INVALID_INPUT` when the name is that of a logical slot */
export async function readSlot(client: pg.Client, name: string): Promise<SlotState | undefined> {
	const { rows } = await client.query<Record<string, string | null>>(`SELECT s.slot_type AS type, s.restart_lsn::text AS restart, s.wal_status AS status, s.safe_wal_size::text AS safe,
		pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn)::text AS held,
		(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep
		FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ${pg.escapeLiteral(name)}`);
	const [row] = rows;
	if (!row) return undefined;
	if (row.type !== 'physical') {
		throw new BackupError('INVALID_INPUT', `The replication slot "${name}" is a ${row.type ?? 'logical'} one.`, 'Give the archive a slot name of its own; it is made by itself.');
	}
	const keepMegabytes = Number(row.keep ?? -1);
	return {
		name,
		restartLsn: row.restart == null ? null : parseLsn(row.restart),
		walStatus: row.status ?? null,
		safeBytes: row.safe == null ? null : Number(row.safe),
		heldBytes: Math.max(0, Number(row.held ?? 0)),
		keepLimitBytes: keepMegabytes < 0 ? null : keepMegabytes * 1024 * 1024,
	};
}

/**
 * The slot, made where there is none; from then on the server keeps the log for us. A slot whose log the server threw away is made anew.
 * @returns the slot, and whether it had been lost
 * @throws BackupError of the server, e.g. where no slot is free
 */
export async function ensureSlot(session: ReplicationSession, name: string): Promise<{ readonly slot: SlotState; readonly made: boolean; readonly lost: boolean }> {
	let slot = await readSlot(session.client, name);
	const lost = slot?.walStatus === 'lost';
	if (lost) {
		await session.query(`DROP_REPLICATION_SLOT ${slotLiteral(name)}`);
		slot = undefined;
	}
	const made = !slot;
	if (!slot) {
		try {
			// This form is taken by every version from 13 on.
			await session.query(`CREATE_REPLICATION_SLOT ${slotLiteral(name)} PHYSICAL RESERVE_WAL`);
		} catch (error) {
			if (sqlState(error) !== OBJECT_EXISTS) throw error;
		}
		slot = await readSlot(session.client, name);
	}
	if (!slot) throw new BackupError('SERVER_ERROR', `The replication slot "${name}" was made and is not there.`, 'Somebody drops it. Find out who, then run the job again.');
	return { slot, made, lost };
}
