import { createHash } from 'node:crypto';
import type pg from 'pg';
import { pause } from '../../core/abortable';
import { BackupError } from '../../core/errors';
import type { Maintenance } from './maintenance';

/** First of the two numbers of our advisory locks on target names; any constant of our own will do. */
const LOCK_CLASS = 0x0b_ac_4b_0e;
const TRY_EVERY_MS = 1_000;

/**
 * Keeps two restores (or a restore and an undo) of the same name apart, for as long as the session lasts.
 * @throws BackupError `LOCK_HELD`
 */
export async function lockTargetName(session: Maintenance, database: string, waitSeconds: number): Promise<void> {
	const number = createHash('sha256').update(database).digest().readInt32BE(0);
	for (let waited = 0; ; waited += TRY_EVERY_MS / 1000) {
		if (await tryLock(session.client, number)) return;
		if (waited >= waitSeconds) {
			throw new BackupError(
				'LOCK_HELD',
				`Another restore, undo or drop is working on the database "${database}" now.`,
				'Wait until it has ended, or cancel it, then run this again.',
			);
		}
		await pause(TRY_EVERY_MS, session.signal);
	}
}

/** Advisory locks count per database, and sessions may be in different ones: so a lock of the same number elsewhere counts as well. */
async function tryLock(client: pg.Client, number: number): Promise<boolean> {
	const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1::int, $2::int) AS locked', [LOCK_CLASS, number]);
	if (rows[0]?.locked !== true) return false;
	const others = await client.query(
		`SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1::bigint AND objid::bigint = $2::bigint AND objsubid = 2 AND granted AND pid <> pg_backend_pid()`,
		[LOCK_CLASS, number >>> 0],
	);
	if (others.rowCount === 0) return true;
	await client.query('SELECT pg_advisory_unlock($1::int, $2::int)', [LOCK_CLASS, number]);
	return false;
}
