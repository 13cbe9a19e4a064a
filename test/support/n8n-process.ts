import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { n8nFolder } from './n8n-installation';

const START_TIMEOUT_MS = 180_000;
/** A little more than n8n's own grace period, `N8N_GRACEFUL_SHUTDOWN_TIMEOUT`. */
const STOP_TIMEOUT_MS = 15_000;

/** A command of n8n's that keeps running. */
export interface N8nCommand {
	readonly args: readonly string[];
	/** What answers with success, one after the other, once it is ready. */
	readonly readyAt: readonly string[];
}

/** A running n8n, leader of its own process group. */
export class N8nProcess {
	private constructor(
		private readonly child: ChildProcess,
		private readonly exited: Promise<string>,
		readonly logFile: string,
	) {}

	/** Starts n8n and waits until it answers requests. */
	static async start(environment: Readonly<Record<string, string>>, logFile: string, command = main(environment)): Promise<N8nProcess> {
		const child = spawn(process.execPath, [n8nProgram(), ...command.args], { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
		const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
		child.stdout.pipe(log, { end: false });
		child.stderr.pipe(log, { end: false });
		const exited = new Promise<string>((resolve) => {
			child.once('error', (error) => resolve(error.message));
			child.once('close', (code, signal) => {
				log.end();
				resolve(signal ?? `exit code ${code}`);
			});
		});
		const started = new N8nProcess(child, exited, logFile);
		try {
			await started.untilReady(command.readyAt);
			return started;
		} catch (error) {
			await started.stop();
			throw error;
		}
	}

	get pid(): number {
		if (this.child.pid === undefined) throw new Error('n8n has not been started.');
		return this.child.pid;
	}

	/** The last lines that n8n wrote. */
	logTail(lines = 40): string {
		return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
	}

	/** Ends n8n and whatever it started, by force when it takes too long. */
	async stop(): Promise<void> {
		this.child.kill('SIGTERM');
		const stopped = await Promise.race([this.exited.then(() => true), sleep(STOP_TIMEOUT_MS, false, { ref: false })]);
		this.killGroup();
		if (!stopped) await this.exited;
	}

	/** Ends n8n as a power cut would. */
	async kill(): Promise<void> {
		this.killGroup();
		await this.exited;
	}

	/** For a caller that is about to exit and cannot wait. */
	killGroup(): void {
		if (this.child.pid === undefined) return;
		try {
			process.kill(-this.child.pid, 'SIGKILL');
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
		}
	}

	private async untilReady(addresses: readonly string[]): Promise<void> {
		const deadline = performance.now() + START_TIMEOUT_MS;
		const ended = this.exited.then((how) => {
			throw new Error(`n8n ended while starting (${how}):\n${this.logTail()}`);
		});
		ended.catch(() => undefined);
		for (const address of addresses) {
			while (!(await Promise.race([answers(address), ended]))) {
				if (performance.now() > deadline) throw new Error(`n8n did not answer in time:\n${this.logTail()}`);
				await Promise.race([sleep(200), ended]);
			}
		}
	}
}

/** `n8n start`: `/healthz` answers before the migrations are done, `/healthz/readiness` before the REST routes are there. */
function main(environment: Readonly<Record<string, string>>): N8nCommand {
	return { args: ['start'], readyAt: ['/healthz/readiness', '/rest/settings'].map((path) => `http://127.0.0.1:${environment.N8N_PORT}${path}`) };
}

/** The program of the installed n8n. */
export function n8nProgram(): string {
	return join(n8nFolder(), 'node_modules', 'n8n', 'bin', 'n8n');
}

async function answers(url: string): Promise<boolean> {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
		await response.arrayBuffer();
		return response.ok;
	} catch {
		// Nobody listens yet: that is what is being asked.
		return false;
	}
}
