import { startPostgres } from '../test/support/postgres-server';
import { type Contender, runShell, sideBySide } from './measure';
import { writeReport } from './report';
import { runBuiltJob } from './run-built-job';
import { folderBytes, inScratch } from './scratch';

/** `BENCH_WAL_ROWS` makes it smaller, to try it out. */
const ROWS = Number(process.env.BENCH_WAL_ROWS ?? 6_000_000);
const PEER = 'pg_receivewal, not compressed';

/** The same stretch of WAL, received by ours and by pg_receivewal. */
export async function benchmarkWal(rounds: number): Promise<void> {
	const server = await startPostgres({ auth: 'trust', settings: { wal_level: 'replica', max_wal_senders: '8', max_replication_slots: '8', max_wal_size: '8GB', shared_buffers: '256MB' } });
	try {
		await server.query(`SELECT pg_create_physical_replication_slot('origin', true)`);
		await server.query(`CREATE TABLE filler AS SELECT n, md5(n::text) AS text, n * 0.37 AS amount FROM generate_series(1, ${ROWS}) n`);
		await server.query('SELECT pg_switch_wal()');
		const [end] = await server.query<{ lsn: string; bytes: string }>(`SELECT pg_current_wal_flush_lsn()::text AS lsn, (pg_current_wal_flush_lsn() - restart_lsn)::text AS bytes FROM pg_replication_slots`);
		/** Each run starts where the first did. */
		const fromOrigin = async <T>(body: () => Promise<T>): Promise<T> => {
			await server.query(`SELECT pg_copy_physical_replication_slot('origin', 'run')`);
			try {
				return await body();
			} finally {
				await server.query(`SELECT pg_drop_replication_slot('run')`);
			}
		};
		const stock = (name: string, options: string): Contender => ({
			name,
			run: async () =>
				await fromOrigin(() =>
					inScratch(async (folder) => {
						const run = await runShell(`pg_receivewal -h 127.0.0.1 -p ${server.port} -U ${server.user} -D ${folder} -S run -E ${end!.lsn} --no-loop ${options}`);
						return { ...run, bytes: folderBytes(folder) };
					}),
				),
		});
		const ours: Contender = {
			name: 'ours: zstd 1, records walked, SHA-256',
			run: async () =>
				await fromOrigin(() =>
					inScratch(async (folder) => {
						const { run } = await runBuiltJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', connection: server.connection, store: { type: 'folder', path: folder }, slotName: 'run', switchSegment: false });
						return { ...run, bytes: folderBytes(folder) };
					}),
				),
		};
		const measured = await sideBySide([ours, stock(PEER, ''), stock('pg_receivewal, gzip 1', '--compress=gzip:1')], rounds);
		const text = `${(Number(end!.bytes) / 1e6).toFixed(0)} MB of WAL. Ours is the whole job: process start, the walk over every record, compression, SHA-256 of both sides, fsync of each segment and of its record.`;
		writeReport('wal.md', [{ title: 'Catching up with WAL', text, measured, baseline: PEER }]);
	} finally {
		await server.stop();
	}
}
