import { access, constants, readdir, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { BackupError } from '../core/errors';
import { runTool } from '../process/run-tool';

export type ClientTool = 'pg_dump' | 'pg_restore' | 'pg_dumpall' | 'postgres';

export interface PostgresClient {
	readonly path: string;
	/** As the tool says it: `15.18 (Debian 15.18-1.pgdg12+1)`. */
	readonly version: string;
	readonly major: number;
}

export interface FindClientOptions {
	/** The client must be of this major version or a newer one; the lowest that is wins. */
	readonly serverMajor: number;
	/** Search here only; empty: PATH and the usual folders. */
	readonly clientFolder: string;
	readonly signal: AbortSignal;
}

/** Where Debian, Alpine, Red Hat, Homebrew and builds from source put clients; `*` stands for one folder of any name. */
const USUAL_FOLDERS = [
	'/usr/lib/postgresql/*/bin',
	'/usr/libexec/postgresql*',
	'/usr/pgsql-*/bin',
	'/usr/local/pgsql/bin',
	'/usr/local/pgsql-*/bin',
	'/usr/local/bin',
	'/usr/bin',
	'/opt/homebrew/opt/postgresql@*/bin',
	'/opt/homebrew/opt/libpq/bin',
	'/usr/local/opt/postgresql@*/bin',
	'/usr/local/opt/libpq/bin',
	'/Applications/Postgres.app/Contents/Versions/*/bin',
];

/**
 * Finds a client that can work with the server.
 * @throws BackupError `CLIENT_MISSING` or `CLIENT_TOO_OLD`, with the line that installs the right one
 */
export async function findClient(tool: ClientTool, options: FindClientOptions): Promise<PostgresClient> {
	const clients: PostgresClient[] = [];
	for await (const client of clientsOf(tool, options.clientFolder, options.signal)) {
		// No other can be lower.
		if (client.major === options.serverMajor) return client;
		clients.push(client);
	}
	const fit = clients.filter((client) => client.major >= options.serverMajor).sort((a, b) => a.major - b.major)[0];
	if (fit) return fit;
	const place = options.clientFolder === '' ? 'in PATH or the usual folders' : `in ${options.clientFolder}`;
	if (clients.length === 0) {
		throw new BackupError('CLIENT_MISSING', `${tool} was not found ${place}.`, installHint(options));
	}
	const found = clients.map((client) => `${client.path} (${client.version})`).join(', ');
	throw new BackupError(
		'CLIENT_TOO_OLD',
		`The server is PostgreSQL ${options.serverMajor}, and every ${tool} ${place} is older: ${found}.`,
		installHint(options),
	);
}

/** Every working `tool`. The folders of one version come before PATH, where Debian keeps a wrapper that chooses by itself. */
export async function listClients(tool: ClientTool, clientFolder: string, signal: AbortSignal): Promise<PostgresClient[]> {
	const clients: PostgresClient[] = [];
	for await (const client of clientsOf(tool, clientFolder, signal)) clients.push(client);
	return clients;
}

async function* clientsOf(tool: ClientTool, clientFolder: string, signal: AbortSignal): AsyncGenerator<PostgresClient> {
	const folders = clientFolder === '' ? [...(await usualFolders()), ...pathFolders(process.env.PATH)] : [clientFolder];
	for (const path of new Set(folders.map((folder) => join(folder, tool)))) {
		if (!(await isExecutable(path))) continue;
		const version = await askVersion(path, signal);
		if (version) yield { path, ...version };
	}
}

/** Reads `pg_dump (PostgreSQL) 15.18 (Debian …)`; of a development version (`18devel`, `18beta1`) too. */
export function parseVersion(output: string): { version: string; major: number } | undefined {
	const match = /\(PostgreSQL\)\s+((\d+)\S*.*)/.exec(output);
	if (!match?.[1] || !match[2]) return undefined;
	return { version: match[1].trim(), major: Number(match[2]) };
}

function installHint({ serverMajor, clientFolder }: FindClientOptions): string {
	const install = `Debian and Ubuntu: apt-get install postgresql-client-${serverMajor} (from apt.postgresql.org where the distribution has another version); Alpine: apk add postgresql${serverMajor}-client.`;
	const folder =
		clientFolder === ''
			? 'Or name the folder that holds the client in the credential.'
			: 'Or leave the client folder in the credential empty, so that the usual folders are searched.';
	return `Install the client of PostgreSQL ${serverMajor} or newer where this job runs (in a container: in its image). ${install} ${folder}`;
}

function pathFolders(path: string | undefined): string[] {
	return (path ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
}

async function usualFolders(): Promise<string[]> {
	return (await Promise.all(USUAL_FOLDERS.map(expand))).flat();
}

/** Replaces the `*` in a path by the names that exist. */
async function expand(pattern: string): Promise<string[]> {
	const parts = pattern.split('/');
	const at = parts.findIndex((part) => part.includes('*'));
	if (at === -1) return [pattern];
	const parent = parts.slice(0, at).join('/');
	const [before = '', after = ''] = (parts[at] ?? '').split('*');
	const names = await listNames(parent);
	return names
		.filter((name) => name.startsWith(before) && name.endsWith(after))
		.map((name) => [parent, name, ...parts.slice(at + 1)].join('/'));
}

async function listNames(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).sort();
	} catch {
		// A usual folder that is not there, or not ours to read, holds no client for us.
		return [];
	}
}

async function isExecutable(path: string): Promise<boolean> {
	try {
		await access(path, constants.X_OK);
		return (await stat(path)).isFile();
	} catch {
		return false;
	}
}

/** undefined: it does not run (a wrapper whose server package is gone, another processor's build). */
async function askVersion(path: string, signal: AbortSignal): Promise<{ version: string; major: number } | undefined> {
	try {
		const { stdout } = await runTool({ file: path, args: ['--version'], signal, stdout: 'collect' });
		return parseVersion(stdout);
	} catch (error) {
		if (error instanceof BackupError && (error.code === 'TOOL_FAILED' || error.code === 'CLIENT_MISSING')) return undefined;
		throw error;
	}
}
