import { escapeIdentifier } from 'pg';
import { pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { PostgresConnection } from '../connection-settings';
import { endSessions } from './exchange';
import { describeLive, fenceOf, type LiveDatabase, ownComment } from './live-database';
import { type Maintenance, withMaintenance } from './maintenance';
import type { DatabaseMark } from './marker';
import { findN8nTables, n8nDatabaseError } from './n8n-tables';
import { commentStatement, markStatement, scratchMark } from './scratch-database';
import { describeSessions } from './sessions';
import { checkOwned, inDatabase } from './target-checks';
import { lockTargetName } from './target-lock';
import { readTargetServer, type TargetDatabase } from './target-server';
import { notConfirmed } from './undo-swap';

export interface FenceOptions {
	readonly connection: PostgresConnection;
	/** The live database's name. */
	readonly database: string;
	/** `fence`: no client may connect, those that are there are ended. `lift`: let them in again. `show`: only tell. */
	readonly action: 'fence' | 'lift' | 'show';
	readonly dryRun: boolean;
	/** For `fence`: the name of the database. */
	readonly confirmation: string;
	readonly allowN8nDatabase: boolean;
}

export interface FenceResult {
	readonly dryRun: boolean;
	readonly action: FenceOptions['action'];
	/** Whether anything was changed. */
	readonly changed: boolean;
	readonly plan: string[];
	/** As it is afterwards. */
	readonly live: LiveDatabase;
}

const LONGEST_ENDING_MS = 20_000;
const END_SESSIONS_EVERY_MS = 100;

/**
 * Keeps the clients of a database out while the stack around it is restored, or lets them in again. The fence is part of the database
 * (it takes no connections, and its comment says why), so it holds when whoever put it up has died, and a restore that swaps another
 * database in hands it on. Both ways may be done again without harm.
 * @throws BackupError `NOT_CONFIRMED`, `N8N_DATABASE`, `PERMISSION_DENIED`; `DATABASE_IN_USE` when a session could not be ended: the fence stands then
 */
export async function fenceDatabase(options: FenceOptions, context: JobContext): Promise<FenceResult> {
	const { database, action, connection } = options;
	return await withMaintenance(connection, [database], context, async (session) => {
		const changes = action !== 'show' && !options.dryRun;
		if (changes) await lockTargetName(session, database, 0);
		const server = await readTargetServer(session.client);
		const live = server.databases.get(database);
		const standing = fenceOf(live);
		const plan = live === undefined ? [`There is no database "${database}": there is nothing to do.`] : planOf(options, standing !== undefined);
		if (live === undefined || !changes) return { dryRun: options.dryRun, action, changed: false, plan, live: describeLive(server, database) };

		checkOwned(server, [live]);
		if (action === 'lift') {
			if (standing) await change(session, [commentStatement(database, standing.comment), ...(standing.open === false ? [] : [allowStatement(database, true)])]);
			return { dryRun: false, action, changed: standing !== undefined, plan: [], live: describeLive(await readTargetServer(session.client), database) };
		}
		if (options.confirmation !== database) throw notConfirmed(database, 'Fence');
		await checkNotN8n(session, live, options.allowN8nDatabase);
		if (standing === undefined) await change(session, fenceStatements(live.name, fenceMark(context, live)));
		await endAllSessions(session, database);
		return { dryRun: false, action, changed: standing === undefined, plan: [], live: describeLive(await readTargetServer(session.client), database) };
	});
}

/** The mark of a fence; `backup` is where the database came from when a swap puts it behind the fence. */
export function fenceMark(context: Pick<JobContext, 'now'>, live: Pick<TargetDatabase, 'name' | 'comment' | 'allowsConnections'>): DatabaseMark {
	return { ...scratchMark(context, live.name, '', ownComment(live)), role: 'fenced', open: live.allowsConnections };
}

/** What closes a database and says why. */
export function fenceStatements(database: string, mark: DatabaseMark): string[] {
	return [markStatement(database, mark), allowStatement(database, false)];
}

function allowStatement(database: string, allow: boolean): string {
	return `ALTER DATABASE ${escapeIdentifier(database)} ALLOW_CONNECTIONS ${allow}`;
}

async function change(session: Maintenance, statements: readonly string[]): Promise<void> {
	await session.client.query('BEGIN');
	try {
		for (const statement of statements) await session.client.query(statement);
		await session.client.query('COMMIT');
	} catch (error) {
		await session.client.query('ROLLBACK');
		throw error;
	}
}

async function endAllSessions(session: Maintenance, database: string): Promise<void> {
	for (let waited = 0; ; waited += END_SESSIONS_EVERY_MS) {
		await endSessions(session.client, [database]);
		const left = await describeSessions(session.client, database);
		if (left === undefined) return;
		if (waited >= LONGEST_ENDING_MS) {
			throw new BackupError(
				'DATABASE_IN_USE',
				`Sessions of the database "${database}" could not be ended: ${left}. The fence stands: no new ones can begin.`,
				'Stop these clients, or let a superuser do it; then go on.',
			);
		}
		await pause(END_SESSIONS_EVERY_MS, session.signal);
	}
}

async function checkNotN8n(session: Maintenance, live: TargetDatabase, allowed: boolean): Promise<void> {
	if (allowed || !live.allowsConnections) return;
	const tables = await inDatabase(session, live.name, findN8nTables);
	if (tables.length > 0) throw n8nDatabaseError(live.name, tables, 'backup-recovery fence with --allow-n8n-database (see backup-recovery --help)');
}

function planOf({ action, database }: FenceOptions, fenced: boolean): string[] {
	const name = JSON.stringify(database);
	switch (action) {
		case 'fence':
			return fenced ? [`${name} is fenced already; sessions that are left are ended.`] : [`Close ${name} to all clients, and end their sessions. It stays closed until the fence is lifted, also when this process dies.`];
		case 'lift':
			return fenced ? [`Let clients into ${name} again.`] : [`${name} is not fenced: there is nothing to do.`];
		case 'show':
			return [];
	}
}
