import { join } from 'node:path';
import type { PostgresServer } from '../test/support/postgres-server';
import { runShell, sideBySide } from './measure';
import { writeReport } from './report';
import { runBuiltJob } from './run-built-job';
import { inScratch } from './scratch';

/** Our restore beside `pg_restore -j2` from stock dumps; every contender starts with an empty new database. */
export async function benchmarkRestore(server: PostgresServer, database: string, rounds: number): Promise<void> {
	const environment = { PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.user, PGPASSWORD: server.password };
	const fresh = async (name: string) => {
		await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		return name;
	};
	await inScratch(async (folder) => {
		const store = { type: 'folder' as const, path: folder };
		const { backup } = (await runBuiltJob<'postgres.dumpDatabase'>({ kind: 'postgres.dumpDatabase', connection: server.connection, store, database })).result;
		const dump = join(folder, 'backups', 'postgres', backup.id, 'database.dump.zst');
		const stock = (name: string, command: string) => ({
			name,
			run: async () => {
				await fresh('benchmark_restore');
				await server.query('CREATE DATABASE benchmark_restore TEMPLATE template0');
				return await runShell(command, environment);
			},
		});
		const ours = (name: string, parallelJobs: number) => ({
			name,
			run: async () => {
				await fresh('benchmark_restore');
				const { run } = await runBuiltJob<'postgres.restoreDatabase'>({
					kind: 'postgres.restoreDatabase',
					connection: server.connection,
					store,
					backup: { by: 'id', id: backup.id },
					target: { mode: 'new', database: 'benchmark_restore' },
					parallelJobs,
				});
				return run;
			},
		});
		const measured = await sideBySide(
			[
				ours('ours, 2 jobs, with ANALYZE and comparison', 2),
				ours('ours, 1 job (no temporary file)', 1),
				stock('stock: zstd -d, pg_restore -j2, ANALYZE', `zstd -qdf ${dump} -o ${folder}/stock.dump && pg_restore -j2 -d benchmark_restore ${folder}/stock.dump && psql -qd benchmark_restore -c ANALYZE`),
				stock('stock: zstd -dc | pg_restore', `zstd -qdc ${dump} | pg_restore -d benchmark_restore`),
			],
			rounds,
		);
		await fresh('benchmark_restore');
		writeReport('restore.md', [
			{
				title: 'Restore of a 1.2 GB database',
				text: 'Ours is the whole job: checks, creation from the recorded settings, SHA-256 of every byte before it is used, pg_restore, ANALYZE, row counts compared with the proof.',
				measured,
				baseline: 'stock: zstd -d, pg_restore -j2, ANALYZE',
			},
		]);
	});
}
