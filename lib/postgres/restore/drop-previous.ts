import { escapeIdentifier } from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { PostgresConnection } from '../connection-settings';
import { mapPostgresError } from '../map-error';
import { sqlState } from '../server-error';
import { hasNameOf } from './database-names';
import { withMaintenance } from './maintenance';
import { type DatabaseMark, readMark } from './marker';
import type { SwapResult } from './result';
import { describeSessions } from './sessions';
import { lockTargetName } from './target-lock';
import { readDatabases } from './target-server';
import { notConfirmed } from './undo-swap';

export interface DropPreviousOptions {
	readonly connection: PostgresConnection;
	/** Full name of the kept database. */
	readonly previous: string;
	readonly dryRun: boolean;
	readonly confirmation: string;
}

/**
 * Drops a database that a swap or its undoing has set aside: one that carries our mark and one of our names, while a database with the
 * live name exists. Sessions in it are not ended: somebody who looks into it may need it.
 * @throws BackupError `DATABASE_NOT_FOUND`, `INVALID_INPUT` for a database that is not ours to drop, `NOT_CONFIRMED`, `DATABASE_IN_USE`
 */
export async function dropPrevious(options: DropPreviousOptions, context: JobContext): Promise<SwapResult> {
	const { previous } = options;
	return await withMaintenance(options.connection, [previous], context, async (session) => {
		const first = (await readDatabases(session.client)).get(previous);
		if (!first) throw new BackupError('DATABASE_NOT_FOUND', `There is no database "${previous}".`, 'Choose one that a swap has set aside; it is called <name>_before_<time>.');
		const mark = markOf(first.name, first.comment);
		if (!options.dryRun) await lockTargetName(session, mark.database, 0);
		// It may have become the live one while we waited for nothing but the lock.
		const databases = await readDatabases(session.client);
		markOf(previous, databases.get(previous)?.comment ?? null);
		if (!databases.has(mark.database)) {
			throw new BackupError(
				'INVALID_INPUT',
				`There is no database "${mark.database}", so "${previous}" may be the only copy of it; it was not dropped.`,
				'Bring it back with "Undo Swap", or restore a backup first.',
			);
		}
		const plan = [`Drop ${JSON.stringify(previous)} (${mark.role === 'previous' ? 'live' : 'restored, and undone'} until ${mark.at}). It cannot be brought back then.`];
		if (options.dryRun) return { dryRun: true, plan, database: mark.database, previousDatabase: previous, dropped: null };
		if (options.confirmation !== previous) throw notConfirmed(previous, 'Drop Previous');
		context.progress({ step: `Dropping ${previous}` });
		try {
			await session.client.query(`DROP DATABASE ${escapeIdentifier(previous)}`);
		} catch (error) {
			if (sqlState(error) !== '55006') throw mapPostgresError(error, { connection: options.connection, doing: `dropping "${previous}"` });
			throw new BackupError(
				'DATABASE_IN_USE',
				`"${previous}" is in use (${(await describeSessions(session.client, previous)) ?? (error as Error).message}); it was not dropped.`,
				'End these sessions. Replication slots and subscriptions in it must be dropped by hand first.',
				{ cause: error },
			);
		}
		return { dryRun: false, plan: [], database: mark.database, previousDatabase: null, dropped: previous };
	});
}

function markOf(name: string, comment: string | null): DatabaseMark {
	const mark = readMark(comment);
	const role = mark?.role === 'previous' ? 'before' : mark?.role === 'undone' ? 'undone' : undefined;
	if (mark && role && hasNameOf(role, name) && mark.database !== name) return mark;
	throw new BackupError(
		'INVALID_INPUT',
		`The database "${name}" was not set aside by a swap: it lacks the mark, or the name, that swaps give. It was not dropped.`,
		'This drops nothing but what swaps have set aside. If you are sure, drop it by hand.',
	);
}
