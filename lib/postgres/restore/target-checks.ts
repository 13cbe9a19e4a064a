import type pg from 'pg';
import { BackupError } from '../../core/errors';
import { withClient } from '../connect';
import { LONGEST_NAME_BYTES } from './database-names';
import { APPLICATION_NAME, type Maintenance } from './maintenance';
import { findN8nTables } from './n8n-tables';
import type { RestoreOptions, RestoreTarget } from './options';
import type { RestoreCheck } from '../../core/steps';
import type { TargetDatabase, TargetServer } from './target-server';
import { describeSessions } from './sessions';
import { describeUserObjects } from './user-objects';

/** Whether the database may be created, filled or exchanged. */
export async function checkTarget(session: Maintenance, server: TargetServer, options: RestoreOptions): Promise<RestoreCheck[]> {
	const { target } = options;
	const name = checkName(target);
	if (name.state === 'failed') return [name];
	const existing = server.databases.get(target.database);
	const checks = [name, checkRights(server, target, existing)];
	switch (target.mode) {
		case 'new':
			checks.push(checkAbsent(target, existing));
			break;
		case 'existing':
			checks.push(...(await checkExisting(session, target, existing)));
			break;
		case 'swap':
			if (existing) checks.push(...(await checkLive(session, server, target, existing, options.allowN8nDatabase)));
			break;
	}
	if (!options.dryRun && (target.mode === 'existing' || (target.mode === 'swap' && existing))) checks.push(checkConfirmation(options));
	return checks;
}

function checkName({ database }: RestoreTarget): RestoreCheck {
	const check = 'Database name';
	const failed = (detail: string): RestoreCheck => ({ check, state: 'failed', code: 'INVALID_INPUT', detail, hint: 'Choose another name.' });
	if (database.includes('\0')) return failed('The name of the database contains a zero byte.');
	if (Buffer.byteLength(database) > LONGEST_NAME_BYTES) return failed(`The name ${JSON.stringify(database)} is longer than ${LONGEST_NAME_BYTES} bytes, where PostgreSQL cuts names off.`);
	if (database === 'template0' || database === 'template1') return failed(`"${database}" belongs to PostgreSQL itself.`);
	return { check, state: 'passed', detail: `The name ${JSON.stringify(database)} can be used.` };
}

function checkRights(server: TargetServer, { mode, database }: RestoreTarget, existing: TargetDatabase | undefined): RestoreCheck {
	const check = 'Rights';
	const failed = (detail: string, hint: string): RestoreCheck => ({ check, state: 'failed', code: 'PERMISSION_DENIED', detail, hint });
	if (mode !== 'existing' && !server.mayCreateDatabases) return failed(`The role "${server.user}" may not create databases.`, `ALTER ROLE … CREATEDB, or restore as a superuser.`);
	if (mode !== 'new' && existing && !existing.owned) {
		return failed(`The role "${server.user}" does not own the database "${database}".`, `Restore as a superuser or as the owner of the database.`);
	}
	if (mode === 'swap' && existing && !server.mayEndSessions) {
		return { check, state: 'warning', detail: `The role "${server.user}" can only end its own sessions.`, hint: 'GRANT pg_signal_backend, or stop the clients of the database first.' };
	}
	return { check, state: 'passed', detail: server.superuser ? `"${server.user}" is a superuser.` : `"${server.user}" has the rights that this needs.` };
}

function checkAbsent({ database }: RestoreTarget, existing: TargetDatabase | undefined): RestoreCheck {
	const check = 'Database is new';
	if (!existing) return { check, state: 'passed', detail: `There is no database "${database}" yet.` };
	return {
		check,
		state: 'failed',
		code: 'DATABASE_EXISTS',
		detail: `A database "${database}" exists already.`,
		hint: 'Choose another name, or the target "Swap", which restores beside it and exchanges the two when the copy is proven.',
	};
}

async function checkExisting(session: Maintenance, { database }: RestoreTarget, existing: TargetDatabase | undefined): Promise<RestoreCheck[]> {
	if (!existing) {
		return [{ check: 'Database exists', state: 'failed', code: 'DATABASE_NOT_FOUND', detail: `There is no database "${database}".`, hint: 'Create it, or choose the target "New Database".' }];
	}
	const sessions = await describeSessions(session.client, database);
	const inUse: RestoreCheck =
		sessions === undefined
			? { check: 'Database is unused', state: 'passed', detail: 'No other session is in it.' }
			: {
					check: 'Database is unused',
					state: 'failed',
					code: 'DATABASE_IN_USE',
					detail: `Other sessions are in the database "${database}": ${sessions}.`,
					hint: 'Stop these clients, then restore again.',
				};
	const objects = await inDatabase(session, database, describeUserObjects);
	const empty: RestoreCheck =
		objects === undefined
			? { check: 'Database is empty', state: 'passed', detail: `"${database}" holds no objects.` }
			: {
					check: 'Database is empty',
					state: 'failed',
					code: 'DATABASE_NOT_EMPTY',
					detail: `The database "${database}" is not empty: it holds ${objects}.`,
					hint: 'A restore never overwrites. Choose the target "Swap", or an empty database.',
				};
	return [inUse, empty];
}

async function checkLive(session: Maintenance, server: TargetServer, { database }: RestoreTarget, existing: TargetDatabase, allowN8n: boolean): Promise<RestoreCheck[]> {
	return [
		await checkNotN8n(session, database, existing, allowN8n),
		await checkPreparedTransactions(session.client, database),
		await checkReplicationSlots(session.client, database),
		await describeLiveSessions(session.client, server, database),
	];
}

async function checkNotN8n(session: Maintenance, database: string, existing: TargetDatabase, allowed: boolean): Promise<RestoreCheck> {
	const check = "Not n8n's own database";
	if (!existing.allowsConnections) return { check, state: 'warning', detail: `"${database}" takes no connections, so nobody uses it; it was not looked into.` };
	const tables = await inDatabase(session, database, findN8nTables);
	if (tables.length === 0) return { check, state: 'passed', detail: "None of n8n's tables are in it." };
	const detail = `"${database}" holds n8n's own tables (${tables.join(', ')}).`;
	if (allowed) return { check, state: 'warning', detail, hint: 'n8n must be stopped now, and until the restore has ended.' };
	return {
		check,
		state: 'failed',
		code: 'N8N_DATABASE',
		detail: `${detail} n8n cannot exchange the database that it runs on.`,
		hint:
			'Stop n8n, then run on the command line: backup-recovery restore --store <folder> --host <host> --user <user> --password-file <file> ' +
			`--database ${shellWord(database)} --mode swap --confirm ${shellWord(database)} --allow-n8n-database`,
	};
}

async function checkPreparedTransactions(client: pg.Client, database: string): Promise<RestoreCheck> {
	const check = 'Prepared transactions';
	const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts WHERE database = $1 ORDER BY prepared LIMIT 5', [database]);
	if (rows.length === 0) return { check, state: 'passed', detail: 'None are open.' };
	return {
		check,
		state: 'failed',
		code: 'DATABASE_IN_USE',
		detail: `Prepared transactions are open in "${database}" (${rows.map((row) => row.gid).join(', ')}): PostgreSQL does not rename a database that has any.`,
		hint: 'COMMIT PREPARED or ROLLBACK PREPARED each of them, then restore again.',
	};
}

async function checkReplicationSlots(client: pg.Client, database: string): Promise<RestoreCheck> {
	const check = 'Logical replication';
	const { rows } = await client.query<{ name: string }>('SELECT slot_name AS name FROM pg_replication_slots WHERE database = $1 ORDER BY 1', [database]);
	if (rows.length === 0) return { check, state: 'passed', detail: 'No slot belongs to the live database.' };
	return {
		check,
		state: 'warning',
		detail: `Logical replication slots (${rows.map((row) => row.name).join(', ')}) stay with the database that is set aside; the subscribers see no more changes.`,
		hint: 'Set the subscriptions up anew after the swap, then drop these slots: they hold back WAL.',
	};
}

async function describeLiveSessions(client: pg.Client, server: TargetServer, database: string): Promise<RestoreCheck> {
	const check = 'Clients of the live database';
	const sessions = await describeSessions(client, database);
	if (sessions === undefined) return { check, state: 'passed', detail: 'Nobody is connected now.' };
	const state = server.mayEndSessions ? 'passed' : 'warning';
	return { check, state, detail: `They will be disconnected for the moment of the swap: ${sessions}.` };
}

function checkConfirmation({ target, confirmation }: RestoreOptions): RestoreCheck {
	const check = 'Confirmation';
	if (confirmation === target.database) return { check, state: 'passed', detail: `The name "${target.database}" was typed.` };
	return {
		check,
		state: 'failed',
		code: 'NOT_CONFIRMED',
		detail: confirmation === '' ? 'This restore was not confirmed.' : `The confirmation ${JSON.stringify(confirmation)} is not the name of the database.`,
		hint: `Type the name of the database, ${JSON.stringify(target.database)}, as the confirmation.`,
	};
}

export function inDatabase<T>(session: Maintenance, database: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
	return withClient(session.connection, { database, signal: session.signal, applicationName: APPLICATION_NAME, doing: 'checking it' }, body);
}

function shellWord(text: string): string {
	return /^[A-Za-z0-9_.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @throws BackupError `PERMISSION_DENIED` */
export function checkOwned(server: TargetServer, databases: readonly TargetDatabase[]): void {
	const foreign = databases.find((database) => !database.owned);
	if (!foreign) return;
	throw new BackupError('PERMISSION_DENIED', `The role "${server.user}" does not own the database "${foreign.name}".`, 'Use a superuser or the owner of the database.');
}
