import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresServer } from '../test/support/postgres-server';
import { runShell } from './measure';

/** The peer with its repository in a folder; it works on the server's own files, as the server's user. */
export interface PgBackRest {
	/** A command of its, as text for a shell. */
	command(name: string, ...options: string[]): string;
	/** What the server's `archive_command` must be. */
	readonly archiveCommand: string;
}

/** A prefix for shell commands that run as the user that PostgreSQL runs as: it refuses root. */
export const asServerUser = process.getuid?.() === 0 ? 'runuser -u postgres -- ' : '';

/** Gives a folder to that user. */
export async function giveToServerUser(folder: string): Promise<void> {
	if (asServerUser !== '') await runShell(`chown -R postgres:postgres ${folder}`);
}

/** Writes the configuration into `folder`; the server is named later, by `connectPgBackRest`. */
export function pgBackRest(folder: string): PgBackRest {
	const file = join(folder, 'pgbackrest.conf');
	for (const name of ['repo', 'spool', 'log', 'lock']) mkdirSync(join(folder, name), { recursive: true });
	writeFileSync(file, '', { mode: 0o644 });
	const program = `pgbackrest --config=${file} --stanza=bench`;
	return { command: (name, ...options) => `${asServerUser}${[program, ...options, name].join(' ')}`, archiveCommand: `${program} archive-push %p` };
}

/** Compression and parallelism as ours. */
export async function connectPgBackRest(peer: PgBackRest, folder: string, server: PostgresServer): Promise<void> {
	const [settings] = await server.query<{ data: string; socket: string }>("SELECT current_setting('data_directory') AS data, current_setting('unix_socket_directories') AS socket");
	if (!settings) throw new Error('the server does not say where it is');
	const lines = [
		'[global]',
		`repo1-path=${join(folder, 'repo')}`,
		`spool-path=${join(folder, 'spool')}`,
		`log-path=${join(folder, 'log')}`,
		`lock-path=${join(folder, 'lock')}`,
		'log-level-console=warn',
		'compress-type=zst',
		'compress-level=1',
		'process-max=2',
		'start-fast=y',
		'repo1-retention-full=99',
		'[bench]',
		`pg1-path=${settings.data}`,
		`pg1-port=${server.port}`,
		`pg1-socket-path=${settings.socket}`,
		`pg1-user=${server.user}`,
	];
	writeFileSync(join(folder, 'pgbackrest.conf'), `${lines.join('\n')}\n`);
	await giveToServerUser(folder);
	await runShell(peer.command('stanza-create'));
}
