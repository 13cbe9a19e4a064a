import type { PostgresServer } from '../test/support/postgres-server';
import { folderBytes, inScratch } from './scratch';
import { type Contender, type Run, runShell, sideBySide } from './measure';
import { writeReport } from './report';
import { runBuiltJob } from './run-built-job';

/** Our dump beside pg_dump with the same compression, beside the guide's script, and beside the layouts we might have taken. */
export async function benchmarkDump(server: PostgresServer, database: string, rounds: number): Promise<void> {
	const environment = { PGHOST: server.host, PGPORT: String(server.port), PGUSER: server.user, PGPASSWORD: server.password, PGDATABASE: database };
	const shell = (name: string, command: string): Contender => ({
		name,
		run: () =>
			inScratch(async (folder) => {
				const run = await runShell(`cd ${folder} && ${command}`, environment);
				return { ...run, bytes: folderBytes(folder) };
			}),
	});
	const ours = (name: string, options: object): Contender => ({ name, run: () => dumpOnce(server, database, options) });
	const measured = await sideBySide(
		[
			ours('ours: custom format, zstd 1, with proof', {}),
			shell('pg_dump -Fc -Z0 | zstd -1 -T2 (same compression)', 'pg_dump -Fc -Z0 | zstd -q -1 -T2 -o database.dump.zst'),
			shell('the guide: pg_dump -Fc, then gzip', 'pg_dump -Fc -f database.dump && gzip database.dump'),
			shell('pg_dump -Fc', 'pg_dump -Fc -f database.dump'),
			shell('pg_dump -Fc -Z1', 'pg_dump -Fc -Z1 -f database.dump'),
			shell('pg_dump -Fc -Z0 | zstd -3 -T2', 'pg_dump -Fc -Z0 | zstd -q -3 -T2 -o database.dump.zst'),
			shell('pg_dump -Fd -j2 -Z1', 'pg_dump -Fd -j2 -Z1 -f database'),
			ours('ours: directory format, 2 jobs, zstd 1, with proof', { format: 'directory', parallelJobs: 2 }),
		],
		rounds,
	);
	writeReport('dump.md', [
		{
			title: 'Dump of a 1.2 GB database',
			text: 'Ours is the whole job: process start, preflight, row counts of every table in the snapshot of the dump, SHA-256 of both sides, manifest, fsync. The peers only dump.',
			measured,
			baseline: 'pg_dump -Fc -Z0 | zstd -1 -T2 (same compression)',
		},
	]);
}

async function dumpOnce(server: PostgresServer, database: string, options: object): Promise<Run> {
	return await inScratch(async (folder) => {
		const { result, run } = await runBuiltJob<'postgres.dumpDatabase'>({
			kind: 'postgres.dumpDatabase',
			connection: server.connection,
			store: { type: 'folder', path: folder },
			database,
			...options,
		});
		return { ...run, bytes: result.backup.storedBytes };
	});
}
