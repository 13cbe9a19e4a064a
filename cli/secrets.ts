import { readFile, stat } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { UsageError } from './usage-error';

/** Where the command line takes secrets from: passed in, so that tests need no real terminal. */
export interface SecretSources {
	readonly environment: NodeJS.ProcessEnv;
	readonly stdin: NodeJS.ReadableStream;
	warn(message: string): void;
}

export interface PasswordOptions {
	readonly passwordFile?: string;
	readonly passwordStdin?: boolean;
}

/** The database password: from a file, from standard input, or from `PGPASSWORD`; never from a flag, which `ps` would show. */
export async function readPassword(options: PasswordOptions, sources: SecretSources): Promise<string> {
	if (options.passwordFile !== undefined && options.passwordStdin) {
		throw new UsageError('Give either --password-file or --password-stdin, not both.');
	}
	if (options.passwordFile !== undefined) return await readSecretFile(options.passwordFile, sources);
	if (options.passwordStdin) return firstLine(await text(sources.stdin));
	return sources.environment.PGPASSWORD ?? '';
}

/**
 * Replaces every `{"fromEnvironment": "NAME"}` and `{"fromFile": "/path"}` in a job file by what it names,
 * so that job files can be kept and shared without secrets.
 */
export async function resolveSecrets(value: unknown, sources: SecretSources): Promise<unknown> {
	if (Array.isArray(value)) return await Promise.all(value.map((item) => resolveSecrets(item, sources)));
	if (typeof value !== 'object' || value === null) return value;
	const entries = Object.entries(value);
	const [first] = entries;
	if (entries.length === 1 && first !== undefined && typeof first[1] === 'string') {
		if (first[0] === 'fromEnvironment') return readVariable(first[1], sources);
		if (first[0] === 'fromFile') return await readSecretFile(first[1], sources);
	}
	return Object.fromEntries(await Promise.all(entries.map(async ([key, item]) => [key, await resolveSecrets(item, sources)] as const)));
}

function readVariable(name: string, sources: SecretSources): string {
	const value = sources.environment[name];
	if (value === undefined) throw new UsageError(`The job file takes a value from the environment variable ${name}, which is not set.`);
	return value;
}

/** The lines of a secret file that are neither empty nor comments. */
export async function readSecretLines(path: string, sources: SecretSources): Promise<string[]> {
	const lines = (await readWholeSecret(path, sources)).split(/\r?\n/).map((line) => line.trim());
	return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

async function readSecretFile(path: string, sources: SecretSources): Promise<string> {
	return firstLine(await readWholeSecret(path, sources));
}

async function readWholeSecret(path: string, sources: SecretSources): Promise<string> {
	try {
		const { mode } = await stat(path);
		if ((mode & 0o077) !== 0) sources.warn(`The secret file ${path} can be read by other users; "chmod 600" it.`);
		return await readFile(path, 'utf8');
	} catch (error) {
		throw new UsageError(`The secret file ${path} cannot be read: ${(error as Error).message}`);
	}
}

function firstLine(value: string): string {
	return value.split(/\r?\n/, 1)[0] ?? '';
}
