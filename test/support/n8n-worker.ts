import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './n8n-environment';
import { installTarball } from './n8n-installation';
import { N8nProcess } from './n8n-process';
import type { N8nServer } from './n8n-server';
import type { RedisServer } from './redis-server';

/** What main and workers need to share a queue, https://docs.n8n.io/hosting/scaling/queue-mode/. */
export function queueVariables({ host, port, password }: RedisServer): Record<string, string> {
	return {
		EXECUTIONS_MODE: 'queue',
		OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
		QUEUE_BULL_REDIS_HOST: host,
		QUEUE_BULL_REDIS_PORT: String(port),
		QUEUE_BULL_REDIS_PASSWORD: password,
		// A dead worker's execution is found out after this, in milliseconds; a minute if left alone.
		QUEUE_WORKER_LOCK_DURATION: '15000',
		QUEUE_WORKER_LOCK_RENEW_TIME: '4000',
		QUEUE_WORKER_STALLED_INTERVAL: '4000',
	};
}

/** A worker of an n8n in queue mode, as on a machine of its own: no folder is shared with main or another worker. */
export class N8nWorker {
	private current: N8nProcess | undefined;

	private constructor(
		private readonly folder: string,
		private readonly environment: Readonly<Record<string, string>>,
	) {}

	/**
	 * Installs a worker that is not started yet.
	 * @param allowedFolders those that n8n lets nodes use
	 */
	static async install(main: N8nServer, tarball: string, ...allowedFolders: string[]): Promise<N8nWorker> {
		const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-n8n-worker-'));
		const userFolder = join(folder, 'user');
		const tempFolder = join(folder, 'temp');
		for (const each of [userFolder, tempFolder]) await mkdir(each);
		await installTarball(userFolder, tarball);
		return new N8nWorker(folder, {
			...main.environment,
			N8N_USER_FOLDER: userFolder,
			N8N_RESTRICT_FILE_ACCESS_TO: [tempFolder, ...allowedFolders].join(';'),
			BACKUP_RECOVERY_TEMP: tempFolder,
			N8N_RUNNERS_BROKER_PORT: String(await freePort()),
			N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
			QUEUE_HEALTH_CHECK_ACTIVE: 'true',
			QUEUE_HEALTH_CHECK_PORT: String(await freePort()),
		});
	}

	/** It takes one execution at a time, so that of two at once another worker has the second. */
	async start(): Promise<void> {
		this.current = await N8nProcess.start(this.environment, join(this.folder, 'n8n.log'), {
			args: ['worker', '--concurrency=1'],
			readyAt: [`http://127.0.0.1:${this.environment.QUEUE_HEALTH_CHECK_PORT}/healthz/readiness`],
		});
	}

	get pid(): number {
		if (this.current === undefined) throw new Error('The worker does not run.');
		return this.current.pid;
	}

	/** Where its jobs make their temporary folders. */
	get tempFolder(): string {
		return join(this.folder, 'temp');
	}

	logTail(lines?: number): string {
		return this.current?.logTail(lines) ?? '';
	}

	/** Lets it finish and ends it. */
	async stop(): Promise<void> {
		await this.current?.stop();
		this.current = undefined;
	}

	/** Ends it as `kill -9` does; its jobs have processes of their own. */
	async kill(): Promise<void> {
		await this.current?.kill();
		this.current = undefined;
	}

	/** Ends it and removes its files. */
	async remove(): Promise<void> {
		await this.stop();
		await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
	}
}
