import pg from 'pg';
import type { RecoverResult } from '../../lib/postgres/recovery/options';

/** SQL on a server that a recovery started here. */
export async function queryRecovered<R extends pg.QueryResultRow>({ server }: Pick<RecoverResult, 'server'>, sql: string, database = 'postgres', values?: unknown[]): Promise<R[]> {
	const client = new pg.Client({ host: server!.host, port: server!.port, user: server!.user, database, application_name: 'test' });
	await client.connect();
	try {
		const result = await client.query<R>(sql, values);
		return Array.isArray(result) ? [] : result.rows;
	} finally {
		await client.end();
	}
}
