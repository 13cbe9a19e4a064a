import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted, toBackupError } from '../../core/errors';
import { type DetachedProcess, startDetached } from '../../process/start-detached';
import { withClient } from '../connect';
import { type PostgresConnection, postgresConnectionSchema } from '../connection-settings';
import { type Account, giveTo } from './account';
import { LogReader, missedTarget, type RecoveryLog, recoveryFailure } from './server-log';
import { dropTarget } from './settings';

const POLL_MS = 50;
const FAST_STOP_MS = 60_000;
export const SERVER_PORT = 5432;
export const APPLICATION_NAME = 'backup-recovery recover';

export interface OwnServerOptions {
	/** Path of the program `postgres`. */
	readonly program: string;
	readonly dataFolder: string;
	readonly socketFolder: string;
	readonly logFile: string;
	readonly account: Account | undefined;
	/** Superusers to try, in this order. */
	readonly users: readonly string[];
	/** How many segments there are to replay, for progress. */
	readonly segments: number;
	/** Where WAL may end before a time at which nothing was committed any more: recover to its end. */
	readonly endOfWalIsEnough: boolean;
}

export interface RecoveredServer {
	readonly process: DetachedProcess;
	readonly connection: PostgresConnection;
	readonly log: RecoveryLog;
	/** It ran out of WAL at a time for which that was enough. */
	readonly toEndOfWal: boolean;
}

/**
 * Starts the server, detached, and waits until it has recovered and takes connections. Where that fails, or the job is cancelled, it has ended.
 * @throws BackupError with the server's own words, see `recoveryFailure`
 */
export async function startRecovered(options: OwnServerOptions, context: JobContext): Promise<RecoveredServer> {
	await mkdir(options.socketFolder, { recursive: true, mode: 0o700 });
	await giveTo(options.socketFolder, options.account, context.signal);
	const reader = new LogReader(options.logFile);
	let server = await start(options);
	try {
		let toEndOfWal = false;
		for (;;) {
			throwIfAborted(context.signal);
			const ended = server.ended();
			const log = await reader.read();
			if (ended !== undefined) {
				if (toEndOfWal || !options.endOfWalIsEnough || !missedTarget(log)) throw recoveryFailure(log, ended);
				toEndOfWal = true;
				await dropTarget(options.dataFolder);
				reader.forget();
				server = await start(options);
				continue;
			}
			context.progress({ step: 'Recovering', done: Math.min(log.restoredFiles, options.segments), total: options.segments, unit: 'steps' });
			const connection = await connectable(options, context.signal);
			if (connection) return { process: server, connection, log: await reader.read(), toEndOfWal };
			await pause(POLL_MS, context.signal);
		}
	} catch (error) {
		await endNow(server);
		throw error;
	}
}

async function start({ program, dataFolder, logFile, account }: OwnServerOptions): Promise<DetachedProcess> {
	return await startDetached({ file: program, args: ['-D', dataFolder], cwd: dataFolder, logFile, ...(account && { account: { uid: account.uid, gid: account.gid } }) });
}

/** The connection, once the server takes one; undefined while it recovers. */
async function connectable({ socketFolder, users }: OwnServerOptions, signal: AbortSignal): Promise<PostgresConnection | undefined> {
	for (const user of users) {
		for (const database of ['postgres', 'template1']) {
			const connection = postgresConnectionSchema.parse({ host: socketFolder, port: SERVER_PORT, user, database, tls: { mode: 'disable' } });
			try {
				return await withClient(connection, { signal, applicationName: APPLICATION_NAME, doing: 'waiting for the recovery' }, async (client) => {
					const { rows } = await client.query<{ super: boolean }>('SELECT rolsuper AS super FROM pg_catalog.pg_roles WHERE rolname = current_user');
					return rows[0]?.super === true ? connection : undefined;
				});
			} catch (error) {
				const { code } = toBackupError(error);
				if (code === 'SERVER_UNREACHABLE') return undefined;
				if (code !== 'AUTHENTICATION_FAILED' && code !== 'DATABASE_NOT_FOUND') throw error;
			}
		}
	}
	throw new BackupError('AUTHENTICATION_FAILED', `The recovered server has no superuser named ${users.map((user) => JSON.stringify(user)).join(' or ')}.`, 'Name one of its superusers in the option "User".');
}

/** Ends a server that nobody needs: at once, without a checkpoint. */
export async function endNow(server: DetachedProcess): Promise<void> {
	if (server.ended() !== undefined) return;
	server.kill('SIGQUIT');
	const force = setTimeout(() => server.kill('SIGKILL'), 10_000);
	await server.exited();
	clearTimeout(force);
}

/**
 * Ends the server of a data directory, whoever started it: sessions are cut off, everything is written to the disk.
 * @returns whether one was running
 * @throws BackupError `PERMISSION_DENIED`, `TIMED_OUT`
 */
export async function stopServerOf(dataFolder: string, signal: AbortSignal): Promise<boolean> {
	const pid = await runningServer(dataFolder);
	if (pid === undefined) return false;
	const send = (name: NodeJS.Signals) => {
		try {
			process.kill(pid, name);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === 'ESRCH') return;
			throw new BackupError('PERMISSION_DENIED', `The server of ${dataFolder} (process ${pid}) belongs to another user.`, `Stop it as that user: pg_ctl -D ${dataFolder} stop.`, { cause: error });
		}
	};
	send('SIGINT');
	const deadline = performance.now() + FAST_STOP_MS;
	while ((await runningServer(dataFolder)) !== undefined) {
		if (performance.now() > deadline) throw new BackupError('TIMED_OUT', `The server of ${dataFolder} (process ${pid}) does not stop.`, 'See its server.log; "kill -QUIT" ends it at once.');
		await pause(POLL_MS, signal);
	}
	return true;
}

/** The process of a data directory's server, from its lock file, which may be left over from one that was killed. */
async function runningServer(dataFolder: string): Promise<number | undefined> {
	const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch((error: unknown) => {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	});
	const pid = Number(text?.split('\n')[0]);
	if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
	try {
		const [command, stat] = await Promise.all([readFile(`/proc/${pid}/cmdline`, 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]);
		const ended = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
		// A number that another process has got meanwhile.
		return !ended && command.split('\0').includes(dataFolder) ? pid : undefined;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ESRCH') return undefined;
		throw error;
	}
}
