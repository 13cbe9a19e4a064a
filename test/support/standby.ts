import { execFile } from 'node:child_process';
import { chown, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folderForServer, serverUser, startOn } from './physical-restore';
import type { PostgresServer } from './postgres-server';
import { until } from './until';

const run = promisify(execFile);

/** For a primary too: it keeps what a standby still has to fetch, and commits are on disk when they return. */
export const STANDBY_SETTINGS = { wal_keep_size: '512MB', synchronous_commit: 'on' };

export interface Standby {
	readonly server: PostgresServer;
	/** Resolves once it has replayed all that its primary has written. */
	caughtUp(): Promise<void>;
	/** Ends it, and removes its files. */
	stop(): Promise<void>;
}

/** A standby that follows `primary`; `SELECT pg_promote()` makes it a primary of its own. */
export async function startStandby(primary: PostgresServer): Promise<Standby> {
	const folder = await folderForServer();
	const data = join(folder, 'data');
	const env = { PATH: process.env.PATH, PGPASSWORD: primary.password };
	await run(join(primary.serverFolder, 'pg_basebackup'), ['-h', primary.host, '-p', String(primary.port), '-U', primary.user, '-D', data, '-R', '-X', 'stream', '-c', 'fast'], { env });
	const owner = await serverUser();
	if (owner) {
		await run('chown', ['-R', `${owner.uid}:${owner.gid}`, data]);
		await chown(folder, owner.uid, owner.gid);
	}
	const { server, stop } = await startOn(data, primary, { standby: true, settings: STANDBY_SETTINGS });
	return {
		server: { ...server, connection: { ...primary.connection, port: server.port } },
		caughtUp: async () => {
			const [row] = await primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
			await until('the standby has caught up', async () => (await server.query<{ there: boolean }>(`SELECT pg_last_wal_replay_lsn() >= '${row!.lsn}'::pg_lsn AS there`))[0]!.there);
		},
		stop: async () => {
			await stop();
			await rm(folder, { recursive: true, force: true });
		},
	};
}
