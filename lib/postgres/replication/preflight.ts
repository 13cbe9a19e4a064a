import pg from 'pg';
import type { JobContext } from '../../core/context';
import { BackupError, throwIfAborted, toBackupError } from '../../core/errors';
import type { CheckResult } from '../../core/steps';
import type { Store } from '../../storage/store';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';
import { NEWEST_KNOWN_MAJOR, readServerVersion } from '../server-version';
import { withReplication } from './replication-session';

/** Commit times are compared with the clock of who asks for a moment: a difference of this many seconds is worth a word. */
const CLOCK_SECONDS = 2;
const MIB = 1024 * 1024;

type Finding = Omit<CheckResult, 'check'>;
type Settings = Readonly<Record<string, string | null>>;

/**
 * Checks all that base backups and the archiving of WAL need of a server, and goes on after what fails, so that one run names all there is to
 * mend, each with the line to add or the command to run. Changes nothing.
 * @param store where backups are to go; null: its free space is not looked at
 */
export async function runReplicationPreflight(connection: PostgresConnection, store: Store | null, context: JobContext): Promise<CheckResult[]> {
	const checks: CheckResult[] = [];
	const session = { signal: context.signal, applicationName: 'backup-recovery preflight', doing: 'checking what base backups need' };
	const attempt = async (check: string, work: () => Promise<Finding>): Promise<boolean> => {
		try {
			const finding = await work();
			checks.push({ check, ...finding });
			return finding.state !== 'failed';
		} catch (error) {
			throwIfAborted(context.signal);
			const { message, hint } = toBackupError(error);
			checks.push({ check, state: 'failed', detail: message, hint });
			return false;
		}
	};
	await attempt('Connection', async () =>
		withClient(connection, session, async (client) => {
			const ownTime = context.now();
			const settings = await readSettings(client);
			await attempt('Server version', async () => checkVersion(client));
			for (const [check, judge] of JUDGEMENTS) await attempt(check, async () => judge(settings, connection));
			await attempt('Clock', async () => checkClock(settings, ownTime));
			await attempt('Free space', async () => await checkSpace(client, store));
			return passed(`Connected to ${connection.host}:${connection.port}.`);
		}),
	);
	await attempt('Replication connection', async () => await checkReplication(connection, session));
	return checks;
}

/** One row of text; nothing in it needs more rights than to log in. */
async function readSettings(client: pg.Client): Promise<Settings> {
	const { rows } = await client.query<Settings>(`SELECT
		(SELECT (rolsuper OR rolreplication)::text FROM pg_catalog.pg_roles WHERE rolname = current_user) AS may_replicate,
		current_setting('wal_level') AS wal_level,
		current_setting('max_wal_senders') AS senders,
		(SELECT count(*)::text FROM pg_catalog.pg_stat_replication) AS senders_used,
		current_setting('max_replication_slots') AS slots,
		(SELECT count(*)::text FROM pg_catalog.pg_replication_slots) AS slots_used,
		(SELECT string_agg(slot_name || ' (' || wal_status || ')', ', ') FROM pg_catalog.pg_replication_slots WHERE wal_status IN ('unreserved', 'lost')) AS slots_lost,
		(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS slot_keep_megabytes,
		current_setting('summarize_wal', true) AS summarize_wal,
		current_setting('server_version_num') AS version_number,
		current_setting('data_checksums') AS data_checksums,
		current_setting('full_page_writes') AS full_page_writes,
		pg_catalog.pg_is_in_recovery()::text AS in_recovery,
		current_setting('TimeZone') AS time_zone,
		(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::numeric::text AS milliseconds`);
	const [settings] = rows;
	if (!settings) throw new BackupError('INTERNAL', 'The server did not tell its settings.', 'Report this as a bug.');
	return settings;
}

const JUDGEMENTS: readonly (readonly [string, (settings: Settings, connection: PostgresConnection) => Finding])[] = [
	[
		'Role',
		({ may_replicate }, { user }) =>
			may_replicate === 'true' ? passed(`"${user}" may replicate.`) : failed(`"${user}" may not replicate.`, `Run as a superuser: ALTER ROLE ${pg.escapeIdentifier(user)} REPLICATION;`),
	],
	[
		'WAL level',
		({ wal_level }) =>
			wal_level === 'minimal' ? failed('wal_level is minimal: the log holds too little to recover from.', 'Run ALTER SYSTEM SET wal_level = replica; and restart the server.') : passed(`wal_level is ${wal_level ?? 'unknown'}.`),
	],
	['WAL senders', ({ senders, senders_used }) => places('WAL senders', 'max_wal_senders', Number(senders), Number(senders_used))],
	['Replication slots', ({ slots, slots_used }) => places('replication slots', 'max_replication_slots', Number(slots), Number(slots_used))],
	[
		'State of the slots',
		({ slots_lost }) =>
			slots_lost === null || slots_lost === undefined
				? passed('No slot has lost WAL that it needs.')
				: warning(`WAL is missing, or about to, for: ${slots_lost}.`, 'What reads from a lost slot must begin anew: take a new base backup, then start archiving again.'),
	],
	['Limit of a slot', ({ slot_keep_megabytes }) => judgeLimit(Number(slot_keep_megabytes))],
	['WAL summaries', judgeSummaries],
	[
		'Page checksums',
		({ data_checksums }) =>
			data_checksums === 'on' ? passed('Pages carry checksums; the server checks them while it sends a base backup.') : warning('Pages carry no checksums: damage on the disk of the server cannot be seen in a base backup.', 'With the server stopped: pg_checksums --enable. Until then prove backups by a restore drill.'),
	],
	[
		'Primary or standby',
		({ in_recovery, full_page_writes }) => {
			if (in_recovery !== 'true') return passed('This server is a primary.');
			if (full_page_writes !== 'on') return failed('This server is a standby, and full_page_writes is off.', 'Base backups of a standby need full_page_writes = on, on the primary.');
			return warning('This server is a standby: its backups are as old as what it has replayed.', 'Watch how far it is behind, or back up the primary.');
		},
	],
];

function places(what: string, setting: string, total: number, used: number): Finding {
	if (total - used >= 2) return passed(`${total - used} of ${total} ${what} are free.`);
	if (total - used === 1) return warning(`Only one of ${total} ${what} is free: a base backup and the archiving of WAL need one each at the same time.`, `Raise ${setting} (ALTER SYSTEM SET ${setting} = ${used + 5};) and restart the server.`);
	return failed(`None of ${total} ${what} is free.`, `Raise ${setting} (ALTER SYSTEM SET ${setting} = ${used + 5};) and restart the server.`);
}

function judgeLimit(megabytes: number): Finding {
	if (megabytes >= 0) return passed(`A slot may hold back at most ${megabytes} MB of WAL (max_slot_wal_keep_size); one that lags further is lost, and a new base backup is needed then.`);
	return warning(
		'A slot may hold back any amount of WAL: when the archiving stands still for long, the disk of the server fills up and it stops.',
		"Choose what the disk can spare, e.g. ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();",
	);
}

function judgeSummaries({ version_number, summarize_wal }: Settings): Finding {
	if (Number(version_number) < 170_000) return passed('Incremental base backups need PostgreSQL 17. Before it, archived WAL holds what changed since the base backup.');
	if (summarize_wal === 'on') return passed('summarize_wal is on: incremental base backups are possible.');
	return warning('summarize_wal is off: incremental base backups are not possible, full ones are taken instead.', 'Run ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();, then take a full base backup.');
}

async function checkVersion(client: pg.Client): Promise<Finding> {
	const { version, major } = await readServerVersion(client);
	const detail = `PostgreSQL ${version}.`;
	return major <= NEWEST_KNOWN_MAJOR ? passed(detail) : warning(detail, `This version is newer than ${NEWEST_KNOWN_MAJOR}, the newest that this package knows. Look for an update of the package.`);
}

function checkClock({ milliseconds, time_zone }: Settings, ownTime: Date): Finding {
	const seconds = Math.round((Number(milliseconds) - ownTime.getTime()) / 1000);
	const detail = `The clock of the server and that of this machine differ by ${Math.abs(seconds)} seconds. The server's time zone is ${time_zone ?? 'unknown'}; points in time are given with a zone, so it does not matter.`;
	return Math.abs(seconds) <= CLOCK_SECONDS ? passed(detail) : warning(detail, 'Points in time mean the clock of the server. Let both follow the same time server.');
}

async function checkSpace(client: pg.Client, store: Store | null): Promise<Finding> {
	const { rows } = await client.query<{ bytes: string | null; hidden: string }>(`SELECT
		sum(CASE WHEN may THEN pg_catalog.pg_database_size(oid) END)::text AS bytes, count(*) FILTER (WHERE NOT may)::text AS hidden
		FROM (SELECT oid, pg_catalog.has_database_privilege(oid, 'CONNECT') OR pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER') AS may FROM pg_catalog.pg_database) d`);
	const bytes = Number(rows[0]?.bytes ?? 0);
	const hidden = Number(rows[0]?.hidden ?? 0);
	const size = `The databases have ${Math.ceil(bytes / MIB)} MB${hidden > 0 ? `, without ${hidden} that the role may not look at` : ''}`;
	const free = store ? await store.freeBytes() : undefined;
	if (free === undefined) return passed(`${size}; how much is free in the store is not known.`);
	const detail = `${size}; ${Math.floor(free / MIB)} MB are free in the store.`;
	return free >= bytes ? passed(detail) : warning(detail, 'A base backup is compressed, mostly to a third or less, and may fit all the same. Make room, or prune older backups.');
}

/** The connection itself: `replication=database`, to which the rules of pg_hba.conf for that database apply. */
async function checkReplication(connection: PostgresConnection, session: { signal: AbortSignal; applicationName: string; doing: string }): Promise<Finding> {
	try {
		return await withReplication(connection, session, async (replication) => {
			const [system] = await replication.query('IDENTIFY_SYSTEM');
			return passed(`The server ${system?.systemid ?? ''} takes replication commands on timeline ${system?.timeline ?? ''}.`);
		});
	} catch (error) {
		const problem = toBackupError(error);
		if (problem.code !== 'AUTHENTICATION_FAILED') throw problem;
		return failed(problem.message, `Add this line to pg_hba.conf of the server, then SELECT pg_reload_conf(): ${hbaLine(connection, problem.message)}`);
	}
}

/** https://www.postgresql.org/docs/current/auth-pg-hba-conf.html; the server's message names the address that it saw, in every language. */
export function hbaLine({ user, database, tls }: Pick<PostgresConnection, 'user' | 'database' | 'tls'>, message: string): string {
	const [address] = /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w.:])/i.exec(message.replace(/^The PostgreSQL server \S+/, '')) ?? [];
	const from = address === undefined ? '<address of this machine>/32' : `${address}/${address.includes(':') ? 128 : 32}`;
	const type = tls.mode === 'disable' || tls.mode === 'prefer' ? 'host' : 'hostssl';
	return `${type} ${hbaWord(database)} ${hbaWord(user)} ${from} scram-sha-256`;
}

/** A word that means something there, or holds what separates words, stands in quotes. */
function hbaWord(name: string): string {
	return /^[a-z_][a-z0-9_]*$/i.test(name) && !['all', 'sameuser', 'samerole', 'samegroup', 'replication'].includes(name.toLowerCase()) ? name : `"${name.replaceAll('"', '""')}"`;
}

function passed(detail: string): Finding {
	return { state: 'passed', detail };
}

function warning(detail: string, hint: string): Finding {
	return { state: 'warning', detail, hint };
}

function failed(detail: string, hint: string): Finding {
	return { state: 'failed', detail, hint };
}
