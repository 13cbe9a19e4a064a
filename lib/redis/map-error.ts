import { BackupError } from '../core/errors';
import { describeAddress, type RedisAddress } from './connection-settings';

const REFUSED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT', 'EACCES', 'ECONNABORTED']);

/** What the commands of a backup and a restore need; for hints. */
export const BACKUP_RIGHTS = '+psync +sync +replconf +info +ping';

/** A failure of the connection itself. */
export function connectionError(error: unknown, address: RedisAddress, doing: string): BackupError {
	if (error instanceof BackupError) return error;
	const { code = '', message } = error as NodeJS.ErrnoException;
	const server = describeAddress(address);
	if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.includes('CERT') || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' || code === 'EPROTO') {
		return new BackupError('TLS_FAILED', `TLS with Redis at ${server} did not come about while ${doing}: ${message}.`, 'Check that the port serves TLS, the CA certificate, and that its certificate is for this host.', { cause: error });
	}
	if (REFUSED.has(code)) {
		return new BackupError('SERVER_UNREACHABLE', `Redis at ${server} cannot be reached while ${doing} (${code}).`, 'Check host and port, that Redis runs and listens on an address that this machine reaches ("bind", "protected-mode"), and whether that port wants TLS.', { cause: error });
	}
	return new BackupError('SERVER_ERROR', `The connection to Redis at ${server} failed while ${doing}: ${message}.`, "See Redis's own log around this time.", { cause: error });
}

/** The end of a connection that was still needed. */
export function connectionClosed(address: RedisAddress, doing: string): BackupError {
	return new BackupError(
		'SERVER_UNREACHABLE',
		`Redis at ${describeAddress(address)} closed the connection while ${doing}.`,
		"See Redis's log: it may have been restarted, run out of memory, or ended the connection by \"client-output-buffer-limit replica\" or \"repl-timeout\". Then run it again.",
	);
}

/** Nothing came for too long. */
export function connectionIdle(address: RedisAddress, seconds: number, doing: string): BackupError {
	return new BackupError('TIMED_OUT', `Redis at ${describeAddress(address)} sent nothing for ${seconds} seconds while ${doing}.`, 'See whether the server or the network hangs, or allow a longer silence in the credential. Nothing was published.');
}

/**
 * An error reply, `-CODE text`: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 * Redis repeats no arguments in those that matter here; for others only the first line is quoted.
 */
export function replyError(reply: string, address: RedisAddress, doing: string): BackupError {
	const text = reply.replace(/^-/, '').split(/[\r\n]/)[0]?.slice(0, 300) ?? '';
	const server = `Redis at ${describeAddress(address)}`;
	const error = (code: ConstructorParameters<typeof BackupError>[0], hint: string) => new BackupError(code, `${server} refused while ${doing}: ${text}`, hint);
	switch (text.split(' ')[0]) {
		case 'NOAUTH':
			return new BackupError('AUTHENTICATION_FAILED', `${server} asks for a password while ${doing}.`, 'Fill in the password (and the ACL user) of the credential.');
		case 'WRONGPASS':
			return new BackupError('AUTHENTICATION_FAILED', `${server} does not accept the user or the password.`, 'Correct them in the credential; an empty user means "default".');
		case 'NOPERM':
			return error('PERMISSION_DENIED', `Give the ACL user what it needs: "ACL SETUSER <user> ${BACKUP_RIGHTS}" to back up; a restore needs "~* +@all".`);
		case 'LOADING':
			return error('SERVER_UNREACHABLE', 'It is loading its data. Try again when it has finished (INFO persistence, loading:0).');
		case 'MASTERDOWN':
		case 'NOMASTERLINK':
			return error('SERVER_UNREACHABLE', 'This replica has lost its master, so its data may be old. Back up from the master, or repair the link first.');
		case 'BUSY':
			return error('SERVER_UNREACHABLE', 'A script or function keeps it busy. End it (SCRIPT KILL, FUNCTION KILL) or wait, then run it again.');
		case 'MISCONF':
			return error('SERVER_ERROR', "It cannot write its own snapshots (see its log: disk full, no rights on its folder). Repair that first.");
		case 'OOM':
			return error('RESTORE_FAILED', 'Its memory limit (maxmemory) is reached. Raise it or choose a larger server, then restore again.');
		case 'READONLY':
			return error('INVALID_INPUT', 'It is a replica. Restore into its master.');
		case 'DENIED':
			return error('AUTHENTICATION_FAILED', 'It is in protected mode: set a password in Redis, or let it listen on an address that this machine may use.');
		case 'MOVED':
		case 'ASK':
		case 'CLUSTERDOWN':
		case 'CROSSSLOT':
			return error('SERVER_ERROR', 'Its cluster is changing or incomplete. Wait until "CLUSTER INFO" says cluster_state:ok, and use the mode Cluster in the credential.');
		default:
			return byText(text, error);
	}
}

function byText(text: string, error: (code: ConstructorParameters<typeof BackupError>[0], hint: string) => BackupError): BackupError {
	if (/invalid password|without any password configured/i.test(text)) return error('AUTHENTICATION_FAILED', 'Correct user and password in the credential.');
	if (/max number of clients/i.test(text)) return error('SERVER_UNREACHABLE', 'Wait until clients have gone, or raise "maxclients".');
	if (/not connected with my master|master is down|NOMASTERLINK/i.test(text)) return error('SERVER_UNREACHABLE', 'This replica has lost its master. Back up from the master, or repair the link first.');
	return error('SERVER_ERROR', "See Redis's log around this time.");
}
