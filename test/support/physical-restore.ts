import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port';
import type { PostgresServer } from './postgres-server';

const run = promisify(execFile);

/** A data directory made by hand from a backup, and a server on it. */
export interface RestoredServer {
	readonly server: PostgresServer;
	stop(): Promise<void>;
}

/** A folder that the user the server runs as may use. */
export async function folderForServer(): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-restored-'));
	const owner = await serverUser();
	if (owner) await chown(folder, owner.uid, owner.gid);
	return folder;
}

/**
 * Copies the backups out of a folder store and runs the commands of one's RESTORE.txt there, as a person would, up to starting the server.
 * @returns the data directory, and what the commands wrote
 */
export async function followInstructions(storeFolder: string, id: string, target: string, bin: string, identity?: string): Promise<{ data: string; output: string }> {
	const work = join(target, id);
	await cp(join(storeFolder, 'backups', 'postgres'), target, { recursive: true });
	if (identity !== undefined) await cp(identity, join(work, 'identity.txt'));
	const owner = await serverUser();
	if (owner) await run('chown', ['-R', `${owner.uid}:${owner.gid}`, target]);
	const text = await readFile(join(work, 'RESTORE.txt'), 'utf8');
	const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, command]) => command ?? '').filter((command) => !command.startsWith('postgres '));
	const output: string[] = [];
	const tools = await readdir(bin);
	for (const command of commands) {
		// The servers from npm come without tools.
		if (command.startsWith('pg_verifybackup') && !tools.includes('pg_verifybackup')) continue;
		const { stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', command], { cwd: work, env: { PATH: `${bin}:/usr/bin:/bin` }, ...owner });
		output.push(stdout, stderr);
	}
	return { data: join(work, 'data'), output: output.join('') };
}

/** Starts a server on a data directory; `original` tells the password and the programs. A standby is ready when it answers. */
export async function startOn(data: string, original: PostgresServer, { standby = false, settings: more = {} }: { readonly standby?: boolean; readonly settings?: Record<string, string> } = {}): Promise<RestoredServer> {
	const owner = await serverUser();
	const port = await freePort();
	const sockets = await folderForServer();
	const settings = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: sockets, fsync: 'off', max_connections: '60', archive_mode: 'off', ...more };
	const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
	const child = spawn(join(original.serverFolder, 'postgres'), args, { stdio: ['ignore', 'ignore', 'pipe'], ...owner });
	let log = '';
	child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
	const query = async <R extends pg.QueryResultRow>(sql: string, database = 'postgres', values?: unknown[]): Promise<R[]> => {
		const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: original.password, database });
		client.on('error', () => undefined);
		await client.connect();
		try {
			const result = await client.query<R>(sql, values);
			return Array.isArray(result) ? [] : result.rows;
		} finally {
			await client.end();
		}
	};
	const stop = async () => {
		await end(child);
		await rm(sockets, { recursive: true, force: true });
	};
	for (const deadline = performance.now() + 30_000; ; ) {
		if (child.exitCode !== null) throw new Error(`the restored server did not start: ${log}`);
		try {
			const [row] = await query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
			if (row?.standby === standby) break;
		} catch (error) {
			if (performance.now() > deadline) {
				await stop();
				throw new Error(`the restored server is not ready: ${log}`, { cause: error });
			}
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return { server: { ...original, port, query, stop }, stop };
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const closed = once(child, 'close');
	child.kill('SIGINT');
	await closed;
}

/** The user that servers run as; undefined where it is ours. */
export async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	const [, , uid, gid] = (await readFile('/etc/passwd', 'utf8')).split('\n').find((line) => line.startsWith('postgres:'))?.split(':') ?? [];
	return { uid: Number(uid), gid: Number(gid) };
}
