import { escapeIdentifier } from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { PostgresConnection } from '../connection-settings';
import { previousName } from './database-names';
import { exchangeDatabases } from './exchange';
import { type KeptDatabase, keptDatabases, ownComment } from './live-database';
import { type Maintenance, withMaintenance } from './maintenance';
import type { DatabaseMark } from './marker';
import { findN8nTables, n8nDatabaseError } from './n8n-tables';
import type { SwapResult } from './result';
import { commentStatement, scratchMark } from './scratch-database';
import { setAsideStatements } from './set-aside';
import { checkOwned, inDatabase } from './target-checks';
import { lockTargetName } from './target-lock';
import { readTargetServer, type TargetDatabase, type TargetServer } from './target-server';

export interface UndoSwapOptions {
	readonly connection: PostgresConnection;
	/** The live database's name. */
	readonly database: string;
	/** The kept one; empty: the newest. */
	readonly previous: string;
	readonly dryRun: boolean;
	readonly confirmation: string;
	readonly allowN8nDatabase: boolean;
}

/**
 * Brings back the database that was live before a swap. The restored one is kept as `<name>_undone_<time>`, so this can itself be
 * put right. It also works when no database has the live name any more.
 * @throws BackupError `DATABASE_NOT_FOUND`, `NOT_CONFIRMED`, `N8N_DATABASE`, `DATABASE_IN_USE`, …
 */
export async function undoSwap(options: UndoSwapOptions, context: JobContext): Promise<SwapResult> {
	return await withMaintenance(options.connection, [options.database, options.previous], context, async (session) => {
		if (!options.dryRun) await lockTargetName(session, options.database, 0);
		const server = await readTargetServer(session.client);
		const previous = choosePrevious(server, options);
		const live = server.databases.get(options.database);
		checkOwned(server, [previous.database, ...(live ? [live] : [])]);
		await checkNotN8n(session, live, options);
		const keepAs = live === undefined ? undefined : previousName(options.database, 'undone', context.now(), new Set(server.databases.keys()));
		const result = { plan: undoPlan(options.database, previous.database.name, keepAs), database: options.database, dropped: null };
		if (options.dryRun) return { ...result, dryRun: true, previousDatabase: null };
		if (options.confirmation !== options.database) throw notConfirmed(options.database, 'Undo Swap');

		context.progress({ step: `Bringing back ${previous.database.name}` });
		const alongside = bringBackStatements(previous.database, previous.mark);
		if (live) alongside.push(...setAsideStatements(live.name, undoneMark(live, previous.mark, context)));
		await exchangeDatabases(
			{ live: options.database, incoming: previous.database.name, keepAs, alongside },
			{ connection: session.connection, maintenanceDatabase: session.database, signal: context.signal },
		);
		return { ...result, plan: [], dryRun: false, previousDatabase: keepAs ?? null };
	});
}

function choosePrevious(server: TargetServer, { database, previous }: UndoSwapOptions): KeptDatabase {
	const all = keptDatabases(server, database);
	const chosen = previous === '' ? all[0] : all.find((candidate) => candidate.database.name === previous);
	if (chosen) return chosen;
	const there = all.length === 0 ? 'None is kept.' : `Kept are: ${all.map((candidate) => candidate.database.name).join(', ')}.`;
	throw new BackupError(
		'DATABASE_NOT_FOUND',
		previous === '' ? `There is no database that a swap of "${database}" has set aside.` : `"${previous}" is not a database that a swap of "${database}" has set aside. ${there}`,
		'Look at the databases of the server: one that was set aside is called <name>_before_<time> and says so in its comment. If it was dropped, restore a backup instead.',
	);
}

async function checkNotN8n(session: Maintenance, live: TargetDatabase | undefined, options: UndoSwapOptions): Promise<void> {
	if (options.allowN8nDatabase || !live?.allowsConnections) return;
	const tables = await inDatabase(session, live.name, findN8nTables);
	if (tables.length > 0) throw n8nDatabaseError(live.name, tables, 'backup-recovery undo-swap with --allow-n8n-database (see backup-recovery --help)');
}

function undoPlan(live: string, previous: string, keepAs: string | undefined): string[] {
	const back = `Give the name ${JSON.stringify(live)} back to ${JSON.stringify(previous)} and let clients in.`;
	if (keepAs === undefined) return [back];
	return [`Disconnect the clients of ${JSON.stringify(live)} and keep it as ${JSON.stringify(keepAs)} (the time will differ).`, `In the same transaction: ${back}`];
}

function bringBackStatements(database: TargetDatabase, mark: DatabaseMark): string[] {
	return [commentStatement(database.name, mark.comment), `ALTER DATABASE ${escapeIdentifier(database.name)} ALLOW_CONNECTIONS true`];
}

function undoneMark(live: TargetDatabase, previous: DatabaseMark, context: JobContext): DatabaseMark {
	return { ...scratchMark(context, live.name, previous.backup, ownComment(live)), role: 'undone', connectionLimit: live.connectionLimit };
}

export function notConfirmed(name: string, what: string): BackupError {
	return new BackupError('NOT_CONFIRMED', `${what} was not confirmed.`, `Type ${JSON.stringify(name)} as the confirmation.`);
}
