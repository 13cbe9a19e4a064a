import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { n8nCommand } from './n8n-command-line';
import { freePort, n8nEnvironment } from './n8n-environment';
import type { N8nExecution } from './n8n-execution';
import { installTarball } from './n8n-installation';
import { N8nProcess } from './n8n-process';
import { N8nRest } from './n8n-rest';
import type { PostgresServer } from './postgres-server';
import { until } from './until';

export interface N8nOptions {
	/** Where n8n keeps its own tables, in a database of its own; left out: SQLite. */
	readonly databaseServer?: PostgresServer;
	/** The packed package to install before n8n starts; left out: none. */
	readonly tarball?: string;
	readonly port?: number;
	/** Folders that n8n lets nodes use, besides its own store folder. */
	readonly allowedFolders?: readonly string[];
	/** More environment variables. */
	readonly env?: Record<string, string>;
}

/** A credential as `n8n import:credentials` takes it, its secrets in the clear. */
export interface N8nCredential {
	readonly id: string;
	readonly name: string;
	readonly type: string;
	readonly data: Record<string, unknown>;
}

export interface WebhookAnswer {
	readonly status: number;
	readonly body: string;
}

/** Starts a real n8n with nothing in it but the package and an owner. */
export async function startN8n(options: N8nOptions): Promise<N8nServer> {
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-n8n-'));
	const storeFolder = join(folder, 'store');
	await mkdir(storeFolder);
	const database = `n8n_${randomBytes(4).toString('hex')}`;
	const port = options.port ?? (await freePort());
	try {
		await options.databaseServer?.createDatabase(database);
		const userFolder = join(folder, 'user');
		const tempFolder = join(folder, 'temp');
		await mkdir(userFolder);
		await mkdir(tempFolder);
		const places = { userFolder, allowedFolders: [storeFolder, ...(options.allowedFolders ?? [])], port, database: options.databaseServer && { server: options.databaseServer, name: database } };
		const environment = await n8nEnvironment(places, { BACKUP_RECOVERY_TEMP: tempFolder, ...options.env });
		if (options.tarball !== undefined) await installTarball(userFolder, options.tarball);
		const logFile = join(folder, 'n8n.log');
		const server = new N8nServer(folder, environment, logFile, await N8nProcess.start(environment, logFile));
		try {
			await server.rest.setUpOwner();
			return server;
		} catch (error) {
			await server.stop();
			throw error;
		}
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

/** A running throwaway n8n. */
export class N8nServer {
	readonly rest: N8nRest;
	readonly url: string;
	/** The one folder in which n8n lets nodes read and write. */
	readonly storeFolder: string;

	constructor(
		private readonly folder: string,
		/** With which it runs; its other processes in queue mode share most of it. */
		readonly environment: Readonly<Record<string, string>>,
		private readonly logFile: string,
		private current: N8nProcess,
	) {
		this.url = `http://127.0.0.1:${environment.N8N_PORT}`;
		this.storeFolder = join(folder, 'store');
		this.rest = new N8nRest(this.url);
	}

	get pid(): number {
		return this.current.pid;
	}

	get userFolder(): string {
		return join(this.folder, 'user');
	}

	/** Where jobs make their temporary folders. */
	get tempFolder(): string {
		return join(this.folder, 'temp');
	}

	/** Imports credentials with n8n's own command line. */
	async importCredentials(credentials: readonly N8nCredential[]): Promise<void> {
		const file = join(this.folder, 'credentials.json');
		await writeFile(file, JSON.stringify(credentials), { mode: 0o600 });
		try {
			await n8nCommand(this.environment, ['import:credentials', `--input=${file}`]);
		} finally {
			await rm(file);
		}
	}

	/** Imports every workflow of a folder with n8n's own command line. */
	async importWorkflows(folder: string): Promise<void> {
		await n8nCommand(this.environment, ['import:workflow', '--separate', `--input=${folder}`]);
	}

	/** Imports workflows that a test wrote itself. */
	async importWorkflow(...workflows: object[]): Promise<void> {
		const file = join(this.folder, 'workflows.json');
		await writeFile(file, JSON.stringify(workflows));
		await n8nCommand(this.environment, ['import:workflow', `--input=${file}`]);
		await rm(file);
	}

	async publish(...workflowIds: string[]): Promise<void> {
		for (const id of workflowIds) await this.rest.publish(id);
	}

	/** Runs a workflow from one of its triggers to its end. */
	async execute(workflowId: string, trigger: string, timeoutMs?: number, onWaiting?: () => void): Promise<N8nExecution> {
		return await this.rest.finished(await this.rest.run(workflowId, trigger), timeoutMs, onWaiting);
	}

	/** Calls a published workflow's webhook, once n8n knows it: publishing ends a moment before. */
	async webhook(path: string, body: unknown, headers: Record<string, string> = {}): Promise<WebhookAnswer> {
		let answer: WebhookAnswer = { status: 0, body: '' };
		await until(`the webhook ${path} is registered`, async () => {
			const response = await fetch(`${this.url}/webhook/${path}`, {
				method: 'POST',
				headers: { 'content-type': 'application/json', ...headers },
				body: JSON.stringify(body),
			});
			answer = { status: response.status, body: await response.text() };
			return answer.status !== 404 || !answer.body.includes('is not registered');
		});
		return answer;
	}

	/** A value of n8n's own metrics, e.g. `n8n_nodejs_eventloop_lag_p99_seconds`. */
	async metric(name: string): Promise<number> {
		const text = await (await fetch(`${this.url}/metrics`)).text();
		const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
		const value = Number(line?.split(' ').at(-1));
		if (line === undefined || Number.isNaN(value)) throw new Error(`n8n has no metric "${name}".`);
		return value;
	}

	logTail(lines?: number): string {
		return this.current.logTail(lines);
	}

	/** Ends n8n as a power cut would. */
	async kill(): Promise<void> {
		await this.current.kill();
	}

	/** Starts n8n again after `kill`, with all it had. */
	async restart(): Promise<void> {
		this.current = await N8nProcess.start(this.environment, this.logFile);
		await this.rest.logIn();
	}

	/** Ends n8n and removes its files; its database goes with the database server. */
	async stop(): Promise<void> {
		await this.current.stop();
		await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
	}
}
