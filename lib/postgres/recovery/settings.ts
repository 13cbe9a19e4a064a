import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlFile } from './control-file';
import { type RecoveryTarget, serverTime } from './target';

export interface RecoverySettings {
	readonly target: RecoveryTarget;
	/** Stop just after the target, or just before it. */
	readonly inclusive: boolean;
	/** The timeline to follow; the newest one may be one that nobody wants. */
	readonly timeline: number;
	/** Where the socket lies; null: whoever starts the server says so. */
	readonly socketFolder: string | null;
	readonly control: ControlFile;
	/** Stay read-only at the target, where it can be asked questions and be sent on; left out: become a server of its own there. */
	readonly pause?: boolean;
	/** For another container: who may connect over the network, with the passwords of the recovered roles. */
	readonly overNetwork: boolean;
}

const SIGNALS = ['recovery.signal', 'standby.signal'];
/** What the primary's own said is kept under another name: it may name paths, libraries and sizes that this machine does not have. */
const REPLACED = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf'];

/** The settings which a person's server had lie beside those that recovery uses. */
export const KEPT_SUFFIX = '.primary';

/**
 * Writes what makes a server with this data directory recover to the target and then go on as one of its own: `recovery.signal` (without it PostgreSQL
 * would start and silently ignore the target) and settings with which it starts on any machine.
 * https://www.postgresql.org/docs/current/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET
 */
export async function writeRecoverySettings(dataFolder: string, settings: RecoverySettings): Promise<void> {
	for (const name of REPLACED) {
		await rename(join(dataFolder, name), join(dataFolder, name + KEPT_SUFFIX)).catch((error: unknown) => {
			// Debian keeps them elsewhere, so the backup has none.
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		});
	}
	for (const name of SIGNALS) await rm(join(dataFolder, name), { force: true });
	const write = async (name: string, text: string) => await writeFile(join(dataFolder, name), text, { mode: 0o600 });
	await write('postgresql.conf', configuration(settings));
	await write('postgresql.auto.conf', '');
	await write('pg_hba.conf', settings.overNetwork ? 'local all all trust\nhost all all all md5\nhost replication all all md5\n' : 'local all all trust\n');
	await write('pg_ident.conf', '');
	await write('recovery.signal', '');
}

/** Lets a recovery that ran out of WAL before a time end where the WAL ends: nothing was committed between the two. */
export async function dropTarget(dataFolder: string): Promise<void> {
	const path = join(dataFolder, 'postgresql.conf');
	const text = await readFile(path, 'utf8');
	await writeFile(path, text.replace(/^recovery_target_(time|lsn|name|xid) = .*\n/gm, ''), { mode: 0o600 });
}

/** Sends a recovery on: after the next start it stops at this LSN. Its server must have been stopped, and have paused before it. */
export async function moveTarget(dataFolder: string, lsn: string, inclusive: boolean): Promise<void> {
	const path = join(dataFolder, 'postgresql.conf');
	const text = await readFile(path, 'utf8');
	const kept = text.replace(/^recovery_target_(time|lsn|name|xid|inclusive) = .*\n/gm, '');
	await writeFile(path, `${kept}recovery_target_inclusive = ${quote(inclusive ? 'on' : 'off')}\nrecovery_target_lsn = ${quote(lsn)}\n`, { mode: 0o600 });
}

/** Makes what was a recovery an ordinary server: no setting of it is left that could surprise at the next start. */
export async function afterRecovery(dataFolder: string): Promise<void> {
	const path = join(dataFolder, 'postgresql.conf');
	const text = await readFile(path, 'utf8');
	await writeFile(path, text.replace(/^(recovery_target|restore_command).*\n/gm, ''), { mode: 0o600 });
	await appendFile(path, "# The recovery is over. Settings of the server that was backed up: postgresql.conf.primary, postgresql.auto.conf.primary.\n");
}

function configuration({ target, inclusive, timeline, socketFolder, control, pause = false }: RecoverySettings): string {
	const lines: [string, string | number][] = [
		['listen_addresses', ''],
		['unix_socket_directories', socketFolder === null ? '' : `"${socketFolder.replaceAll('"', '""')}"`],
		['unix_socket_permissions', '0700'],
		['ssl', 'off'],
		['archive_mode', 'off'],
		['wal_level', 'replica'],
		// As initdb sets them: what is built in is refused where segments have 64 MB and more.
		['min_wal_size', `${megabytes(5 * control.segmentBytes)}MB`],
		['max_wal_size', `${megabytes(64 * control.segmentBytes)}MB`],
		// Where nobody reads before the target is reached, the primary's settings need not be matched to the letter.
		['hot_standby', pause ? 'on' : 'off'],
		// What pauses is thrown away afterwards.
		['fsync', pause ? 'off' : 'on'],
		['max_wal_senders', pause ? Math.max(control.maxWalSenders, 10) : 10],
		['max_connections', Math.max(control.maxConnections, 20)],
		['max_worker_processes', Math.max(control.maxWorkerProcesses, 8)],
		// Prepared transactions come back to life, and more of them may have been allowed later on.
		['max_prepared_transactions', Math.max(control.maxPreparedTransactions * 2, 64)],
		['max_locks_per_transaction', Math.max(control.maxLocksPerTransaction, 64)],
		['shared_preload_libraries', ''],
		['session_preload_libraries', ''],
		['local_preload_libraries', ''],
		['shared_buffers', '256MB'],
		['logging_collector', 'off'],
		['log_destination', 'stderr'],
		['log_line_prefix', '%m '],
		['log_timezone', 'UTC'],
		['timezone', 'UTC'],
		['lc_messages', 'C'],
		// The working folder of a server is its data directory: so no path needs quoting, and the whole may be moved.
		['restore_command', 'cp ../wal/%f %p'],
		['recovery_target_timeline', timeline],
		['recovery_target_action', pause ? 'pause' : 'promote'],
		['recovery_target_inclusive', inclusive ? 'on' : 'off'],
		...targetLine(target),
	];
	const text = lines.map(([name, value]) => `${name} = ${typeof value === 'number' && name !== 'recovery_target_timeline' ? value : quote(String(value))}\n`).join('');
	return `# Written for a recovery. The settings of the server that was backed up lie beside this file, as *${KEPT_SUFFIX}.\n${text}`;
}

function megabytes(bytes: number): number {
	return bytes / 1024 / 1024;
}

function targetLine(target: RecoveryTarget): [string, string][] {
	switch (target.by) {
		case 'latest':
			return [];
		case 'time':
			return [['recovery_target_time', serverTime(target.time)]];
		case 'lsn':
			return [['recovery_target_lsn', target.lsn]];
		case 'name':
			return [['recovery_target_name', target.name]];
		case 'xid':
			return [['recovery_target_xid', target.xid]];
	}
}

/** As a value in postgresql.conf. */
function quote(value: string): string {
	return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;
}
