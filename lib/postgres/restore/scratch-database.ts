import { hostname } from 'node:os';
import type pg from 'pg';
import { escapeIdentifier, escapeLiteral } from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import { withClient } from '../connect';
import { sqlState } from '../server-error';
import { scratchKey } from './database-names';
import { hasUserObjects } from './user-objects';
import { APPLICATION_NAME, type Maintenance, withCleanUpSession } from './maintenance';
import { type DatabaseMark, markComment, readMark } from './marker';
import { readDatabases, type TargetDatabase } from './target-server';

/** A fresh liveness key: 8 random bytes as hex, part of the scratch database's name and held as an advisory lock. */
export function newScratchKey(context: Pick<JobContext, 'randomBytes'>): string {
	return context.randomBytes(8).toString('hex');
}

/** Makes others see that the maker of a scratch database is alive, for as long as the session lasts. */
export async function holdScratchKey(client: pg.Client, key: string): Promise<void> {
	await client.query('SELECT pg_advisory_lock($1::int, $2::int)', lockNumbers(key));
}

/**
 * Whether the session that holds the key is still there. Advisory locks count per database, and makers work from different
 * ones, so this looks at the server's list of locks instead of trying to take the lock.
 */
async function isKeyHeld(client: pg.Client, key: string): Promise<boolean> {
	const [first, second] = lockNumbers(key).map((number) => number >>> 0);
	const { rowCount } = await client.query(
		`SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = $1::bigint AND objid::bigint = $2::bigint AND objsubid = 2`,
		[first, second],
	);
	return rowCount !== 0;
}

function lockNumbers(key: string): [number, number] {
	const bytes = Buffer.from(key, 'hex');
	return [bytes.readInt32BE(0), bytes.readInt32BE(4)];
}

export function scratchMark(context: Pick<JobContext, 'now'>, database: string, backup: string, comment: string | null): DatabaseMark {
	return { version: 1, role: 'scratch', database, backup, at: context.now().toISOString(), madeBy: `${hostname()}, process ${process.pid}`, comment, connectionLimit: -1 };
}

export function commentStatement(database: string, comment: string | null): string {
	return `COMMENT ON DATABASE ${escapeIdentifier(database)} IS ${comment === null ? 'NULL' : escapeLiteral(comment)}`;
}

export function markStatement(database: string, mark: DatabaseMark): string {
	return commentStatement(database, markComment(mark));
}

/**
 * Drops databases that restores and drills left when they were killed: those that have one of our scratch names, carry our
 * mark (or nothing at all yet), and whose maker no longer lives.
 * @returns the names dropped, and a warning for each that could not be
 */
export async function dropDeadScratchDatabases(session: Maintenance): Promise<{ dropped: string[]; warnings: string[] }> {
	const dropped: string[] = [];
	const warnings: string[] = [];
	for (const database of (await readDatabases(session.client)).values()) {
		const key = scratchKey(database.name);
		if (key === undefined || (await isKeyHeld(session.client, key)) || !(await isOurs(session, database))) continue;
		try {
			await dropDatabase(session, database.name);
			dropped.push(database.name);
		} catch (error) {
			if (sqlState(error) === undefined) throw error;
			warnings.push(`The database "${database.name}", left by a run that was killed, could not be dropped: ${(error as Error).message}.`);
		}
	}
	return { dropped, warnings };
}

/** Between CREATE DATABASE and the mark there is a moment without mark; a database from that moment holds nothing yet. */
async function isOurs(session: Maintenance, database: TargetDatabase): Promise<boolean> {
	const mark = readMark(database.comment);
	if (mark) return mark.role === 'scratch';
	if (database.comment !== null) return false;
	const options = { database: database.name, signal: session.signal, applicationName: APPLICATION_NAME };
	try {
		return !(await withClient(session.connection, options, hasUserObjects));
	} catch (error) {
		if (error instanceof BackupError && error.code !== 'CANCELLED') return false;
		throw error;
	}
}

/** Drops a database with all its sessions. Subscriptions in it are let go of first, without touching the publisher's slots. */
export async function dropDatabase(session: Maintenance, database: string): Promise<void> {
	const { rows } = await session.client.query<{ oid: string; template: boolean; subscribed: boolean }>(
		`SELECT oid::text, datistemplate AS template, EXISTS (SELECT FROM pg_subscription WHERE subdbid = pg_database.oid) AS subscribed
		FROM pg_database WHERE datname = $1`,
		[database],
	);
	const row = rows[0];
	if (!row) return;
	if (row.template) await session.client.query(`ALTER DATABASE ${escapeIdentifier(database)} IS_TEMPLATE false`);
	if (row.subscribed) await dropSubscriptions(session, database);
	await session.client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(database)} WITH (FORCE)`);
}

async function dropSubscriptions(session: Maintenance, database: string): Promise<void> {
	await session.client.query(`ALTER DATABASE ${escapeIdentifier(database)} ALLOW_CONNECTIONS true`);
	await withClient(session.connection, { database, signal: session.signal, applicationName: APPLICATION_NAME }, async (client) => {
		const { rows } = await client.query<{ name: string }>(
			'SELECT subname AS name FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
		);
		for (const { name } of rows) {
			const subscription = escapeIdentifier(name);
			await client.query(`ALTER SUBSCRIPTION ${subscription} DISABLE`);
			await client.query(`ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE)`);
			await client.query(`DROP SUBSCRIPTION ${subscription}`);
		}
	});
}

/** Drops a scratch database also when the job's own session is gone or the job was cancelled. */
export async function discardScratch(session: Maintenance, database: string): Promise<void> {
	await withCleanUpSession(session.connection, [database], async (cleaner) => await dropDatabase(cleaner, database));
}
