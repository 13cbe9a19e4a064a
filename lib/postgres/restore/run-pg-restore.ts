import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobContext } from '../../core/context';
import { BackupError, type ErrorCode } from '../../core/errors';
import { runTool } from '../../process/run-tool';
import { withClientEnvironment } from '../client-environment';
import { findClient, type PostgresClient } from '../clients';
import type { PostgresConnection } from '../connection-settings';
import { databaseConninfo } from '../conninfo';
import { readDump, type StoredDump, withUnpackedDump } from './dump-files';
import { PgRestoreMessages, type PgRestoreMessage } from './pg-restore-messages';
import { APPLICATION_NAME } from './maintenance';
import type { TargetServer } from './target-server';

const MEBIBYTE = 1024 * 1024;
const MOST_LISTED_ERRORS = 10;

/** The `pg_restore` for a dump: not older than the `pg_dump` that wrote it, nor than the server. */
export async function findPgRestore(dump: Pick<StoredDump, 'manifest'>, connection: Pick<PostgresConnection, 'clientFolder'>, serverMajor: number, signal: AbortSignal): Promise<PostgresClient> {
	const dumpedBy = Number.parseInt(dump.manifest.postgres?.clientVersion ?? '', 10);
	return await findClient('pg_restore', { serverMajor: Math.max(serverMajor, Number.isNaN(dumpedBy) ? 0 : dumpedBy), clientFolder: connection.clientFolder, signal });
}

export interface PgRestoreRequest {
	readonly client: PostgresClient;
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly dump: StoredDump;
	readonly parallelJobs: number;
	readonly target: TargetServer;
	/** The entries to restore, as `pg_restore --list` prints them; undefined: all. */
	readonly list?: string;
}

/**
 * Fills an empty database from a dump. Nothing is dropped or overwritten.
 * @returns warnings of `pg_restore`
 * @throws BackupError `RESTORE_FAILED` (or a closer code) with every error that `pg_restore` reported; `ARTIFACT_DAMAGED`; `NO_SPACE`
 */
export async function runPgRestore(request: PgRestoreRequest, context: JobContext): Promise<string[]> {
	const { dump, parallelJobs } = request;
	const step = `Restoring into ${request.database}`;
	if (dump.format === 'custom' && parallelJobs === 1) {
		return await restoreFrom(request, context, step, { stdin: readDump(dump, context, step) });
	}
	return await withUnpackedDump(dump, context, 'Unpacking the dump', async (path) => await restoreFrom(request, context, step, { path }));
}

type ArchiveInput = { readonly path: string } | { readonly stdin: AsyncIterable<Buffer> };

async function restoreFrom(request: PgRestoreRequest, context: JobContext, step: string, input: ArchiveInput): Promise<string[]> {
	const total = request.dump.manifest.postgres?.proof?.tables.length;
	let tables = 0;
	const messages = new PgRestoreMessages((text) => {
		if (!text.startsWith('processing data for table ')) return;
		tables += 1;
		if ('path' in input) context.progress({ step, done: tables, total: total === undefined ? undefined : Math.max(total, tables), unit: 'tables' });
	});
	const listFile = request.list === undefined ? undefined : join(context.workFolder, 'restore.list');
	if (listFile !== undefined) await writeFile(listFile, request.list ?? '', { mode: 0o600 });
	const failure = await withClientEnvironment(request.connection, { workFolder: context.workFolder, applicationName: APPLICATION_NAME }, async (env) => {
		try {
			await runTool({
				file: request.client.path,
				args: [...(listFile === undefined ? [] : [`--use-list=${listFile}`]), ...pgRestoreArguments(request, input)],
				env: { ...env, PGOPTIONS: sessionOptions(request.target, request.parallelJobs) },
				signal: context.signal,
				stdin: 'stdin' in input ? input.stdin : undefined,
				stdout: 'ignore',
				onStderrLine: (line) => messages.push(line),
			});
			return undefined;
		} catch (error) {
			if (error instanceof BackupError && error.code === 'TOOL_FAILED') return error;
			throw error;
		} finally {
			messages.end();
			if (listFile !== undefined) await rm(listFile, { force: true });
		}
	});
	judge(messages, failure, request);
	const outside = isPartial(request) ? messages.of('error').filter(isOutsideReference).map((message) => `Left out, because it refers to something that is not in this backup: ${message.entry}.`) : [];
	return [...messages.of('warning', 'unknown').map((message) => `pg_restore: ${message.text}`), ...outside];
}

function pgRestoreArguments(request: PgRestoreRequest, input: ArchiveInput): string[] {
	const args = ['--verbose', '--no-password', `--format=${request.dump.format}`, `--dbname=${databaseConninfo(request.database)}`];
	if ('path' in input && request.parallelJobs > 1) args.push(`--jobs=${request.parallelJobs}`);
	// A server with none of its own cannot have those of the source: everything goes to the default one.
	if (![...request.target.tablespaces].some((name) => !name.startsWith('pg_'))) args.push('--no-tablespaces');
	if ('path' in input) args.push(input.path);
	return args;
}

/** What makes a restore fast, and what keeps settings of the role from breaking it: client options win over ALTER ROLE … SET. */
function sessionOptions(target: TargetServer, parallelJobs: number): string {
	const memory = Math.max(target.maintenanceWorkMemory, Math.floor((256 * MEBIBYTE) / Math.min(parallelJobs, 4)));
	const options: Record<string, string> = {
		synchronous_commit: 'off',
		maintenance_work_mem: `${Math.floor(memory / 1024)}kB`,
		default_transaction_read_only: 'off',
		statement_timeout: '0',
		lock_timeout: '0',
		idle_in_transaction_session_timeout: '0',
	};
	// English messages, so that they can be told apart; only a superuser may ask for that.
	if (target.superuser) options.lc_messages = 'C';
	return Object.entries(options)
		.map(([name, value]) => `-c ${name}=${value}`)
		.join(' ');
}

function judge(messages: PgRestoreMessages, failure: BackupError | undefined, request: PgRestoreRequest): void {
	const all = messages.of('error');
	const errors = isPartial(request) ? all.filter((message) => !isOutsideReference(message)) : all;
	const harmless = messages.of('harmless').length + all.length - errors.length;
	if (errors.length === 0) {
		if (!failure) return;
		// It went to its end (only then does it count the errors; with parallel jobs some twice), and all that it reported means nothing.
		if (harmless > 0 && messages.ignoredErrors > 0) return;
		throw failure;
	}
	const listed = errors.slice(0, MOST_LISTED_ERRORS).map(describeError);
	if (errors.length > listed.length) listed.push(`… and ${errors.length - listed.length} more`);
	const { code, hint } = meaningOf(errors);
	throw new BackupError(
		code,
		`pg_restore reported ${errors.length} error${errors.length === 1 ? '' : 's'} while it restored backup ${request.dump.manifest.id} into "${request.database}":\n${listed.join('\n')}`,
		hint,
		{ cause: failure },
	);
}

function isPartial({ dump }: PgRestoreRequest): boolean {
	return dump.manifest.kind === 'partial';
}

/**
 * Chosen tables may have foreign keys, triggers and parents among what was not chosen. They hold no rows: the tables themselves are
 * compared with the proof all the same.
 */
function isOutsideReference(message: PgRestoreMessage): boolean {
	return /^\d+; \d+ \d+ (?:FK CONSTRAINT|TRIGGER|TABLE ATTACH|INDEX ATTACH) /.test(message.entry ?? '') && /^error: could not execute query: ERROR: {2}.* does not exist$/m.test(message.text);
}

function describeError(message: PgRestoreMessage): string {
	const where = message.entry === undefined ? '' : ` [${message.entry}]`;
	return `- ${message.text.replace(/^error: /, '').replace(/\nCommand was: [\s\S]*$/, '')}${where}`;
}

/** Errors that speak of the surroundings, not of the backup. The texts are those of the C locale. */
const SURROUNDINGS: ReadonlyArray<{ pattern: RegExp; code: ErrorCode; hint: string }> = [
	{ pattern: /No space left on device|could not extend file/, code: 'NO_SPACE', hint: "The server's disk is full. Make room there, then restore again." },
	{
		pattern: /server closed the connection unexpectedly|terminating connection|connection to server .* failed|the database system is (?:shutting down|starting up|in recovery mode)|no connection to the server/,
		code: 'SERVER_UNREACHABLE',
		hint: "The server ended the session. Look at its log for the reason (lack of memory, restart, an administrator), then restore again.",
	},
	{
		pattern: /permission denied|must be (?:superuser|owner|member|able to)/,
		code: 'PERMISSION_DENIED',
		hint: 'Restore as a superuser, or grant the restoring role membership in the roles that own the objects.',
	},
];

function meaningOf(errors: readonly PgRestoreMessage[]): { code: ErrorCode; hint: string } {
	for (const { pattern, code, hint } of SURROUNDINGS) if (errors.some((error) => pattern.test(error.text))) return { code, hint };
	return { code: 'RESTORE_FAILED', hint: 'Remove the cause of the first error (what follows is often its consequence), or restore another backup.' };
}
