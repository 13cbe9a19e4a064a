import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { PostgresServer } from './postgres-server';

/** One transaction of the writer: it was committed at some time between the two, by the server's clock (ISO 8601, microseconds). */
export interface LoggedCommit {
	readonly id: number;
	readonly notBefore: string;
	readonly notAfter: string;
}

const CLOCK = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** A client that goes on committing rows, and keeps its own log of which were acknowledged, and when. */
export class LoggingWriter {
	readonly log: LoggedCommit[] = [];
	private stopping = false;
	private ended: Promise<void> = Promise.resolve();

	private constructor(private readonly client: pg.Client) {}

	/** Writes into a new table `writer_log`, about fifty rows a second. */
	static async start(server: PostgresServer, database: string): Promise<LoggingWriter> {
		const { host, port, user, password } = server;
		const writer = new LoggingWriter(new pg.Client({ host, port, user, password, database, application_name: 'test' }));
		await writer.client.connect();
		await writer.client.query('CREATE TABLE public.writer_log (id int PRIMARY KEY, written_at timestamptz NOT NULL)');
		writer.ended = writer.write();
		// Whoever stops it learns of it.
		writer.ended.catch(() => undefined);
		return writer;
	}

	/** Ends after the row at work. @throws whatever kept it from writing */
	async stop(): Promise<void> {
		if (this.stopping) return;
		this.stopping = true;
		await this.ended;
		await this.client.end();
	}

	private async write(): Promise<void> {
		for (let id = 1; !this.stopping; id++) {
			await this.client.query('BEGIN');
			const { rows } = await this.client.query<{ at: string }>(`INSERT INTO public.writer_log VALUES ($1, clock_timestamp()) RETURNING ${CLOCK} AS at`, [id]);
			await this.client.query('COMMIT');
			const after = await this.client.query<{ at: string }>(`SELECT ${CLOCK} AS at`);
			this.log.push({ id, notBefore: rows[0]!.at, notAfter: after.rows[0]!.at });
			await sleep(20);
		}
	}
}

/**
 * Compares the rows of a recovered `writer_log` with the writer's own log.
 * @returns what is wrong; empty: every row committed before the target is there, and none that was committed after it
 */
export function logDifferences(log: readonly LoggedCommit[], recovered: readonly number[], target: string): string[] {
	const moment = target.replace(/\.(\d{3})Z$/, '.$1000Z');
	const there = new Set(recovered);
	const known = new Set(log.map(({ id }) => id));
	const lost = log.filter(({ id, notAfter }) => notAfter <= moment && !there.has(id)).map(({ id, notAfter }) => `row ${id}, committed by ${notAfter}, is missing`);
	const late = log.filter(({ id, notBefore }) => notBefore > moment && there.has(id)).map(({ id, notBefore }) => `row ${id}, not committed before ${notBefore}, is there`);
	const foreign = recovered.filter((id) => !known.has(id)).map((id) => `row ${id} was never acknowledged`);
	return [...lost, ...late, ...foreign];
}
