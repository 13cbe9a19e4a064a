import type pg from 'pg';
import type { JobContext } from '../../../core/context';
import { BackupError } from '../../../core/errors';
import { withClient } from '../../connect';
import type { PostgresConnection } from '../../connection-settings';
import { sqlState } from '../../server-error';
import { APPLICATION_NAME } from './paused-server';

/** What shows the damage. */
export interface Question {
	readonly database: string;
	/** One statement that yields one row with one boolean: true where the damage is there. */
	readonly sql: string;
	readonly timeoutSeconds: number;
}

/** The driver sends one statement only this way; its types do not know it yet. */
const ONE_STATEMENT = { queryMode: 'extended', rowMode: 'array' } as const;
const UNDEFINED = new Set(['42P01', '42703', '3F000', '42883']);
const EXAMPLE = "For example: SELECT count(*) > 100 FROM customers WHERE email = ''. For a table that was dropped: SELECT to_regclass('public.orders') IS NULL.";

/** @returns whether the damage is there @throws BackupError `INVALID_INPUT` for what is no such question */
export async function askDamaged(connection: PostgresConnection, { database, sql, timeoutSeconds }: Question, { signal }: Pick<JobContext, 'signal'>): Promise<boolean> {
	const session = { database, signal, applicationName: APPLICATION_NAME, doing: 'asking your question' };
	return await withClient(connection, session, async (client) => {
		// As whoever wrote the question is used to: names are found as in the database itself.
		await client.query('RESET search_path');
		await client.query('SET row_security = off');
		await client.query(`SET statement_timeout = ${Math.round(timeoutSeconds * 1000)}`);
		return readAnswer(await query(client, sql));
	});
}

async function query(client: pg.Client, text: string): Promise<pg.QueryResult<unknown[]>> {
	try {
		await client.query('BEGIN READ ONLY');
		return await client.query<unknown[]>({ text, ...ONE_STATEMENT });
	} catch (error) {
		const state = sqlState(error);
		if (state === undefined) throw error;
		const said = (error as Error).message;
		if (state === '57014') throw new BackupError('TIMED_OUT', 'Your question took longer than it may.', 'Ask something that reads less, or allow more time for a question.', { cause: error });
		const hint = UNDEFINED.has(state) ? `At that moment it is not there. Ask in a way that has an answer then, too. ${EXAMPLE}` : EXAMPLE;
		throw new BackupError('INVALID_INPUT', `The server cannot answer your question: ${said} (SQLSTATE ${state}).`, hint, { cause: error });
	}
}

function readAnswer({ rows, fields }: pg.QueryResult<unknown[]>): boolean {
	const [row] = rows;
	if (rows.length === 1 && fields.length === 1 && typeof row?.[0] === 'boolean') return row[0];
	const got = rows.length !== 1 ? `${rows.length} rows` : fields.length !== 1 ? `${fields.length} columns` : row?.[0] === null ? 'NULL' : 'a value that is neither true nor false';
	throw new BackupError('INVALID_INPUT', `Your question yields ${got} instead of one row with true or false.`, EXAMPLE);
}
