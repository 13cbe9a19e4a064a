import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { BackupError } from '../core/errors';
import { toolEnvironment } from './tool-environment';

export interface DetachedOptions {
	/** Path of the program; never run by a shell. */
	readonly file: string;
	/** Holds no secrets: anyone on the machine can read a process's arguments. */
	readonly args: readonly string[];
	readonly cwd: string;
	/** Everything it writes to stdout and stderr is added to this file. */
	readonly logFile: string;
	/** As whom it runs; left out: as we do. Only root can choose. */
	readonly account?: { readonly uid: number; readonly gid: number };
}

/** A program that outlives whoever started it: it leads a session and a process group of its own. */
export interface DetachedProcess {
	readonly pid: number;
	/** How it ended, as long as we lived to see it; undefined while it runs. */
	ended(): string | undefined;
	/** Sends a signal to the program itself, not to those that it started. */
	kill(signal: NodeJS.Signals): void;
	/** Resolves when it has ended. */
	exited(): Promise<void>;
	/** We no longer wait for it. */
	release(): void;
}

/**
 * Starts a program that shall go on when the job has ended. Whoever starts it must end it where the job fails.
 * @throws BackupError `CLIENT_MISSING` when it cannot be run
 */
export async function startDetached(options: DetachedOptions): Promise<DetachedProcess> {
	const log = await open(options.logFile, 'a', 0o600);
	try {
		const child = spawn(options.file, options.args, {
			cwd: options.cwd,
			env: toolEnvironment(process.env, {}),
			stdio: ['ignore', log.fd, log.fd],
			detached: true,
			shell: false,
			...options.account,
		});
		return await running(child, options.file);
	} finally {
		await log.close();
	}
}

async function running(child: ChildProcess, file: string): Promise<DetachedProcess> {
	const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	await new Promise<void>((resolve, reject) => {
		child.once('spawn', resolve);
		child.once('error', (error: NodeJS.ErrnoException) =>
			reject(new BackupError('CLIENT_MISSING', `${file} cannot be run (${error.code}).`, `Install ${basename(file)}, or name the folder that holds it.`, { cause: error })),
		);
	});
	return {
		pid: child.pid ?? 0,
		ended: () => child.signalCode ?? (child.exitCode === null ? undefined : `exit code ${child.exitCode}`),
		kill: (signal) => void child.kill(signal),
		exited: async () => await exit,
		release: () => child.unref(),
	};
}
