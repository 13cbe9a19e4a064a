import type pg from 'pg';
import { BackupError } from '../core/errors';
import { withClient } from '../postgres/connect';
import type { PostgresConnection } from '../postgres/connection-settings';
import { sqlState } from '../postgres/server-error';

export interface Assertion {
	/** What people call it. */
	readonly name: string;
	/** One SELECT; it holds when it yields rows and the first column of each is true. */
	readonly sql: string;
}

/**
 * Reads assertions from a text: blocks separated by empty lines, each one SELECT, its first line optionally `-- what it asserts`.
 * Pure.
 */
export function parseAssertions(text: string): Assertion[] {
	return text
		.split(/\r?\n[ \t]*\r?\n/)
		.map((block) => block.trim())
		.filter((block) => block !== '')
		.flatMap((block) => {
			const lines = block.split(/\r?\n/);
			const comment = /^--\s*(.*)$/.exec(lines[0] ?? '');
			const sql = (comment ? lines.slice(1) : lines).join('\n').replace(/[\s;]+$/, '').trim();
			const name = (comment?.[1] ?? '').trim();
			return sql === '' ? [] : [{ name: name === '' ? sql.replace(/\s+/g, ' ').slice(0, 80) : name, sql }];
		});
}

export interface AssertionRequest {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly assertions: readonly Assertion[];
	readonly statementTimeoutSeconds: number;
	readonly signal: AbortSignal;
}

const ROWS_AT_MOST = 1000;

/**
 * Asks all of them, each in a read-only transaction of its own and as a single statement, so that one that cannot be run hides no other.
 * @returns a sentence
 * @throws BackupError `ASSERTION_FAILED` naming every one that does not hold; the server's errors for what is not a matter of one of them
 */
export async function checkAssertions({ connection, database, assertions, statementTimeoutSeconds, signal }: AssertionRequest): Promise<string> {
	const broken: string[] = [];
	await withClient(connection, { database, signal, applicationName: 'backup-recovery drill', doing: 'checking assertions' }, async (client) => {
		await client.query('SET default_transaction_read_only = on');
		await client.query('RESET search_path');
		await client.query(`SET statement_timeout = ${Math.round(statementTimeoutSeconds * 1000)}`);
		for (const { name, sql } of assertions) {
			const problem = await ask(client, sql);
			if (problem !== undefined) broken.push(`"${name}": ${problem}`);
		}
	});
	const held = assertions.length - broken.length;
	if (broken.length === 0) return `${held === 1 ? 'The one assertion' : `All ${held} assertions`} in SQL hold${held === 1 ? 's' : ''}.`;
	throw new BackupError(
		'ASSERTION_FAILED',
		`${broken.length} of ${assertions.length} assertions do not hold in the restored database: ${broken.join('; ')}.`,
		'The backup equals its proof, so either the data were like this when it was taken, or the assertion is wrong. Look at the live database with the same query.',
	);
}

/** @returns what speaks against it */
async function ask(client: pg.Client, sql: string): Promise<string | undefined> {
	await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
	try {
		// After a first query the transaction can no longer be made writable.
		await client.query('SELECT 1');
		const query: pg.QueryArrayConfig & { queryMode: 'extended' } = { text: `SELECT * FROM (${sql}\n) AS asserted LIMIT ${ROWS_AT_MOST}`, values: [], rowMode: 'array', queryMode: 'extended' };
		const { rows } = await client.query<unknown[]>(query);
		if (rows.length === 0) return 'it yields no row';
		const wrong = rows.find(([value]) => value !== true);
		return wrong === undefined ? undefined : `it yields ${JSON.stringify(wrong[0] ?? null).slice(0, 100)} instead of true`;
	} catch (error) {
		const state = sqlState(error);
		// The session ended (08, 57P…), or no word of the server's: no matter of this query.
		if (state === undefined || state.startsWith('08') || state.startsWith('57P')) throw error;
		return `it cannot be run: ${(error as Error).message}`;
	} finally {
		await client.query('ROLLBACK');
	}
}
