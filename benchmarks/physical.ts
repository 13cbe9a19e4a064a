import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../test/support/postgres-server';
import { type Contender, runShell, sideBySide } from './measure';
import { asServerUser, connectPgBackRest, giveToServerUser, type PgBackRest, pgBackRest } from './pgbackrest';
import { type Section, writeReport } from './report';
import { runBuiltJob } from './run-built-job';
import { folderBytes, inScratch } from './scratch';

const DATABASE = 'benchmark';
const SAME = 'pg_basebackup -Ft, zstd 1 by the client (same compression)';
/** WAL that is replayed after the base backup. `BENCH_WAL_ROWS` makes it smaller, to try it out. */
const ROWS = Number(process.env.BENCH_WAL_ROWS ?? 1_500_000);

/** Base backups beside pg_basebackup and pgBackRest, and the way back to a running server. */
export async function benchmarkPhysical(rounds: number): Promise<void> {
	await inScratch(async (scratch) => {
		chmodSync(scratch, 0o755);
		const peer = pgBackRest(scratch);
		const server = await startPostgres({ auth: 'trust', settings: { wal_level: 'replica', max_wal_senders: '8', max_wal_size: '4GB', shared_buffers: '256MB', archive_mode: 'on', archive_command: peer.archiveCommand } });
		try {
			await server.createDatabase(DATABASE);
			await server.query(readFileSync(join(__dirname, 'big-database.sql'), 'utf8'), DATABASE);
			await server.query('CHECKPOINT');
			await connectPgBackRest(peer, scratch, server);
			writeReport('base-backup.md', [await compareBackups(server, peer, scratch, rounds)]);
			writeReport('recovery.md', [await compareRecoveries(server, peer, scratch, rounds)], [await projection(server)]);
		} finally {
			await server.stop();
		}
	});
}

async function compareBackups(server: PostgresServer, peer: PgBackRest, scratch: string, rounds: number): Promise<Section> {
	const stock = (name: string, options: string): Contender => ({
		name,
		run: () =>
			inScratch(async (folder) => {
				const run = await runShell(`pg_basebackup -h 127.0.0.1 -p ${server.port} -U ${server.user} -D ${folder}/backup -c fast ${options}`);
				return { ...run, bytes: folderBytes(folder) };
			}),
	});
	const measured = await sideBySide(
		[
			{ name: 'ours: zstd 1, every file compared with the manifest', run: () => inScratch(async (folder) => (await ourBackup(server, folder)).run) },
			stock(SAME, '-Ft -X fetch --compress=client-zstd:1'),
			stock('pg_basebackup -Ft, not compressed', '-Ft -X fetch'),
			stock('pg_basebackup -Ft, zstd 1 by the server', '-Ft -X fetch --compress=server-zstd:1'),
			stock('pg_basebackup -Ft -z -X stream, as the guide', '-Ft -z -X stream'),
			{
				name: 'pgBackRest, zst 1, 2 processes, on the server itself',
				run: async () => {
					const before = folderBytes(join(scratch, 'repo', 'backup'));
					const run = await runShell(peer.command('backup', '--type=full'));
					return { ...run, bytes: folderBytes(join(scratch, 'repo', 'backup')) - before };
				},
			},
		],
		rounds,
	);
	return {
		title: 'Base backup of a server with a 1.2 GB database',
		text: "Ours is the whole job: process start, temporary slot, SHA-256 of every file and of both sides of each artifact, comparison with the server's manifest (SHA-256), fsync. pg_basebackup only copies (manifest with CRC-32C). pgBackRest reads the server's files instead of asking the server, and takes SHA-1 of each.",
		measured,
		baseline: SAME,
	};
}

/** From the newest backup, over the WAL written since, to a running server that takes writes. */
async function compareRecoveries(server: PostgresServer, peer: PgBackRest, scratch: string, rounds: number): Promise<Section> {
	const store = join(scratch, 'store');
	mkdirSync(store);
	await ourBackup(server, store);
	await runBuiltJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', connection: server.connection, store: { type: 'folder', path: store } });
	await runShell(peer.command('backup', '--type=full'));
	await runShell(`pg_basebackup -h 127.0.0.1 -p ${server.port} -U ${server.user} -D ${scratch}/stock -c fast -Ft -X fetch --compress=client-zstd:1`);
	await giveToServerUser(join(scratch, 'stock'));
	await server.query(`CREATE TABLE later AS SELECT n, md5(n::text) AS text FROM generate_series(1, ${ROWS}) n`, DATABASE);
	await server.query('SELECT pg_switch_wal()');
	await runBuiltJob<'postgres.archiveWal'>({ kind: 'postgres.archiveWal', connection: server.connection, store: { type: 'folder', path: store } });
	await runShell(`${asServerUser}mkdir ${scratch}/wal; ${asServerUser}cp -r $(${asServerUser}psql -h 127.0.0.1 -p ${server.port} -U ${server.user} -Atc "SHOW data_directory")/pg_wal/. ${scratch}/wal/; rm -rf ${scratch}/wal/archive_status ${scratch}/wal/summaries`);
	const recovered = (name: string, prepare: (data: string) => string): Contender => ({
		name,
		run: () =>
			inScratch(async (folder) => {
				const data = join(folder, 'data');
				mkdirSync(data, { mode: 0o700 });
				chmodSync(folder, 0o755);
				await giveToServerUser(folder);
				try {
					return await runShell(`${prepare(data)} && ${start(data, folder)}`);
				} finally {
					await runShell(`${asServerUser}${server.serverFolder}/pg_ctl -D ${data} stop -m immediate >/dev/null`);
				}
			}),
	});
	/** `pg_ctl -w` returns while it still recovers. */
	const start = (data: string, folder: string) =>
		`${asServerUser}${server.serverFolder}/pg_ctl -D ${data} -l ${folder}/log -o "-c listen_addresses='' -c unix_socket_directories=${folder} -c fsync=off -c archive_mode=off -p 5432" -w start >/dev/null && until [ "$(psql -h ${folder} -U ${server.user} -Atc 'SELECT pg_is_in_recovery()' ${DATABASE})" = f ]; do sleep 0.05; done && psql -h ${folder} -U ${server.user} -Atc 'SELECT count(*) FROM later' ${DATABASE} | grep -qx ${ROWS}`;
	const measured = await sideBySide(
		[
			{ name: 'ours: to the newest point, every page read afterwards (amcheck)', run: async () => await ourRecovery(store, true) },
			{ name: 'ours: to the newest point', run: async () => await ourRecovery(store, false) },
			recovered('stock: zstd -d, tar, cp, pg_ctl', (data) => `${asServerUser}bash -c 'zstd -qdc ${scratch}/stock/base.tar.zst | tar -x -C ${data} && echo "restore_command = '"'cp ${scratch}/wal/%f %p'"'" >> ${data}/postgresql.auto.conf && touch ${data}/recovery.signal'`),
			recovered('pgBackRest restore, pg_ctl', (data) => peer.command('restore', `--pg1-path=${data}`)),
		],
		rounds,
	);
	return {
		title: 'Recovery of that server to the newest point',
		text: `From the stored backup to a server that takes writes, over the WAL of ${ROWS} rows written after the backup. Ours checks every byte's SHA-256, looks where recovery stopped, and keeps fsync on; the others start with fsync off.`,
		measured,
		baseline: 'stock: zstd -d, tar, cp, pg_ctl',
	};
}

async function ourBackup(server: PostgresServer, folder: string) {
	const { result, run } = await runBuiltJob<'postgres.baseBackup'>({ kind: 'postgres.baseBackup', connection: server.connection, store: { type: 'folder', path: folder } });
	return { result, run: { ...run, bytes: result.backup.storedBytes } };
}

async function ourRecovery(store: string, checkPages: boolean) {
	return await inScratch(async (scratch) => {
		chmodSync(scratch, 0o755);
		const folder = join(scratch, 'recovery');
		const { run } = await runBuiltJob<'postgres.recover'>({ kind: 'postgres.recover', store: { type: 'folder', path: store }, folder, checkPages });
		await runBuiltJob<'postgres.stopRecovered'>({ kind: 'postgres.stopRecovered', folder, remove: true });
		return run;
	});
}

/** What of a recovery grows with the data. */
async function projection(server: PostgresServer): Promise<string> {
	const [size] = await server.query<{ bytes: string }>('SELECT sum(pg_database_size(oid)) AS bytes FROM pg_database');
	const gigabytes = Number(size?.bytes) / 1e9;
	return `The server holds ${gigabytes.toFixed(2)} GB. Laying out a backup and replaying WAL take time in proportion to their bytes, the rest about a second: for 10 GB, expect ${(10 / gigabytes).toFixed(1)} times the figures above on such a machine.`;
}
