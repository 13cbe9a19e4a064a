import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { delimiter, join } from 'node:path';
import { pause } from '../../core/abortable';
import type { JobContext } from '../../core/context';
import { BackupError, toBackupError } from '../../core/errors';
import { runTool } from '../../process/run-tool';
import { type RedisConnection, redisConnectionSchema } from '../connection-settings';
import { withRedis } from '../redis-client';
import { readServerInfo, type ServerInfo } from '../server-info';

const PROGRAMS = ['redis-server', 'valkey-server'];
const POLL_MS = 50;

/** The server program to use: the one that was named, or the first in PATH and the usual folders; undefined: there is none. */
export async function findServerProgram(named: string): Promise<string | undefined> {
	if (named !== '') {
		if (await runnable(named)) return named;
		throw new BackupError('CLIENT_MISSING', `${named} is not a program that can be run.`, 'Name redis-server or valkey-server with its whole path, or leave it empty to search.');
	}
	const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/opt/redis/bin'];
	for (const program of PROGRAMS) {
		for (const folder of folders) if (folder !== '' && (await runnable(join(folder, program)))) return join(folder, program);
	}
	return undefined;
}

async function runnable(path: string): Promise<boolean> {
	return await access(path, constants.X_OK).then(
		() => true,
		() => false,
	);
}

/** The flavor and version of a server program, e.g. `Redis server v=7.0.15 sha=…`. */
export async function programVersion(program: string, signal: AbortSignal): Promise<Pick<ServerInfo, 'flavor' | 'version'>> {
	const { stdout } = await runTool({ file: program, args: ['--version'], signal, stdout: 'collect' });
	return { flavor: /valkey/i.test(stdout) ? 'valkey' : 'redis', version: /v=([\d.]+)/.exec(stdout)?.[1] ?? '0' };
}

/** The source's memory is a rough measure for that of the copy. */
export function requireMemory(sourceBytes: number): void {
	const free = freemem();
	if (sourceBytes <= free) return;
	throw new BackupError('NO_SPACE', `The drill would load data of about ${sourceBytes} bytes, and this machine has ${free} bytes of memory free.`, 'Run the drill on a machine with more memory: name an empty Redis elsewhere in a credential.');
}

/**
 * Starts a server of its own on a Unix socket in the job's folder, which loads `folder/dump.rdb` as any server does at its start; runs `body` once it has, and ends it.
 * @throws BackupError `RESTORE_FAILED` with the server's own words where it does not load
 */
export async function withDrillServer<T>(program: string, folder: string, context: JobContext, body: (connection: RedisConnection, info: ServerInfo) => Promise<T>): Promise<T> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const socket = join(folder, 's');
	const log = join(folder, 'server.log');
	const configuration = join(folder, 'server.conf');
	await writeFile(configuration, configurationText({ folder, socket, log }), { mode: 0o600 });
	const stopper = new AbortController();
	const signal = AbortSignal.any([context.signal, stopper.signal]);
	let ended: BackupError | undefined;
	const running = runTool({ file: program, args: [configuration], signal, cwd: folder, stdout: 'ignore' }).then(
		() => (ended = new BackupError('RESTORE_FAILED', 'The server ended by itself.', 'See whether the system ended it.')),
		(error: unknown) => (ended = toBackupError(error)),
	);
	const connection = redisConnectionSchema.parse({ deployment: { mode: 'standalone', host: socket, port: 1 } });
	try {
		for (;;) {
			const info = await withRedis(connection, { host: socket, port: 1 }, { signal: context.signal, doing: 'waiting for the drill server' }, readServerInfo).catch((error: unknown) => toBackupError(error));
			if (!(info instanceof BackupError) && !info.loading) return await body(connection, info);
			if (info instanceof BackupError && !['SERVER_UNREACHABLE', 'SERVER_ERROR', 'TIMED_OUT'].includes(info.code)) throw info;
			if (ended) throw new BackupError('RESTORE_FAILED', `${program} does not start with this snapshot: ${await lastWords(log)}`, 'See whether it is of the same version as the source and has its modules.', { cause: ended });
			context.progress({ step: 'The drill server is loading the snapshot' });
			await pause(POLL_MS, context.signal);
		}
	} finally {
		stopper.abort();
		await running;
	}
}

function configurationText({ folder, socket, log }: { folder: string; socket: string; log: string }): string {
	return [
		'port 0',
		`unixsocket ${JSON.stringify(socket)}`,
		'unixsocketperm 700',
		`dir ${JSON.stringify(folder)}`,
		'dbfilename dump.rdb',
		`logfile ${JSON.stringify(log)}`,
		'save ""',
		'appendonly no',
		'databases 10000',
		'daemonize no',
		'',
	].join('\n');
}

/** What the server said last, without the picture that it draws. */
async function lastWords(log: string): Promise<string> {
	const text = await readFile(log, 'utf8').catch(() => '');
	return text.split('\n').filter((line) => /[#*]/.test(line)).slice(-4).join(' | ').slice(0, 600) || 'it said nothing.';
}
