import { BackupError, type ErrorCode } from '../core/errors';
import type { PostgresConnection } from './connection-settings';
import { isServerError } from './server-error';

export interface ErrorPlace {
	readonly connection: Pick<PostgresConnection, 'host' | 'port' | 'user'>;
	readonly database?: string;
	/** What was being done, to complete "… while": `counting the rows of public.deals`. */
	readonly doing: string;
}

interface Meaning {
	readonly code: ErrorCode;
	readonly hint: string;
}

const NETWORK_HINTS: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'Nothing listens there. Check that PostgreSQL runs, the port, and that listen_addresses includes this address.',
	ENOTFOUND: 'This name is unknown. Check the host; in docker compose it is the name of the service.',
	EAI_AGAIN: 'The name could not be looked up. Check the host and the DNS of this machine or container.',
	ETIMEDOUT: 'No answer came. Check the host, the port and firewalls between here and the server.',
	EHOSTUNREACH: 'No route leads there. Check the host and that both are on the same network.',
	ENETUNREACH: 'No route leads there. Check the host and that both are on the same network.',
	ECONNRESET: 'The connection was cut. Check that the server still runs (its log says why it ended), then run the job again.',
	EPIPE: 'The connection was cut. Check that the server still runs (its log says why it ended), then run the job again.',
	ENOENT: 'There is no such socket. Check the folder that was given as the host.',
	EACCES: 'This user may not open the socket. Check its permissions.',
};

/**
 * Turns what the driver threw into an error that a person can act on. Decides by SQLSTATE and errno, never by wording.
 * A `BackupError` stays as it is.
 */
export function mapPostgresError(error: unknown, place: ErrorPlace): BackupError {
	if (error instanceof BackupError) return error;
	if (isServerError(error)) {
		const { code, hint } = meaningOf(error.code ?? '', place);
		return new BackupError(
			code,
			`${where(place)} refused while ${place.doing}: ${error.message} (SQLSTATE ${error.code})`,
			hint,
			{ cause: error },
		);
	}
	const errno = errnoOf(error);
	const hint = errno === undefined ? undefined : NETWORK_HINTS[errno];
	if (hint !== undefined) {
		return new BackupError('SERVER_UNREACHABLE', `${where(place)} cannot be reached while ${place.doing} (${errno}).`, hint, {
			cause: error,
		});
	}
	if (errno !== undefined && isTlsCode(errno)) return tlsError(error, place, errno);
	return new BackupError(
		'SERVER_UNREACHABLE',
		`The connection to ${where(place)} broke while ${place.doing}: ${messageOf(error)}`,
		'Check that the server still runs and what its log says about this moment, then run the job again.',
		{ cause: error },
	);
}

/** A failed TLS negotiation; `reason` is the library's code where it gave one. */
export function tlsError(error: unknown, place: ErrorPlace, reason?: string): BackupError {
	const said = reason ?? messageOf(error);
	return new BackupError('TLS_FAILED', `No TLS connection to ${where(place)} (${said}).`, tlsHint(reason), { cause: error });
}

function messageOf(error: unknown): string {
	const message = (error as { message?: unknown } | null | undefined)?.message;
	return typeof message === 'string' ? message : String(error);
}

/** The server, and the database where one is meant, for the start of a sentence. */
export function where(place: Pick<ErrorPlace, 'connection' | 'database'>): string {
	const server = `The PostgreSQL server ${place.connection.host}:${place.connection.port}`;
	return place.database === undefined ? server : `${server}, database "${place.database}",`;
}

function tlsHint(reason: string | undefined): string {
	switch (reason) {
		case 'ERR_TLS_CERT_ALTNAME_INVALID':
			return 'The certificate is for another name. Use the host name that it was made for, or the TLS mode verify-ca.';
		case 'CERT_HAS_EXPIRED':
			return "Renew the server's certificate.";
		case 'SELF_SIGNED_CERT_IN_CHAIN':
		case 'DEPTH_ZERO_SELF_SIGNED_CERT':
		case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
		case 'UNABLE_TO_GET_ISSUER_CERT':
		case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
			return "Paste the certificate (PEM) of the authority that signed the server's certificate into the credential.";
		case undefined:
			return 'The server may not offer TLS (ssl = off). Turn it on there, or choose the TLS mode prefer or disable.';
		default:
			return "Check the server's certificate and the authority's certificate in the credential.";
	}
}

function meaningOf(state: string, place: ErrorPlace): Meaning {
	const { user } = place.connection;
	switch (state) {
		case '28P01':
			return { code: 'AUTHENTICATION_FAILED', hint: `Check the user "${user}" and its password in the credential.` };
		case '28000':
			return {
				code: 'AUTHENTICATION_FAILED',
				hint:
					`Check that the role "${user}" exists and may log in, and that the server's pg_hba.conf lets it in from this machine, e.g. by the line ` +
					`"host all ${user} <address of this machine>/32 scram-sha-256" ("hostssl" with TLS), followed by SELECT pg_reload_conf().`,
			};
		case '3D000':
			return { code: 'DATABASE_NOT_FOUND', hint: 'Check the name of the database; upper and lower case count.' };
		case '42501':
			return {
				code: 'PERMISSION_DENIED',
				hint: `Grant the role "${user}" what is missing, e.g. GRANT pg_read_all_data TO ... (PostgreSQL 14 and newer), or use a superuser.`,
			};
		case '42P01':
			return { code: 'TABLE_NOT_FOUND', hint: 'Check the name and schema of the table; upper and lower case count.' };
		case '42703':
			return { code: 'COLUMN_NOT_FOUND', hint: 'Check the name of the column; upper and lower case count.' };
		case '53300':
			return {
				code: 'SERVER_UNREACHABLE',
				hint: 'All connections are taken. End some, raise max_connections, or run the job at a quieter time.',
			};
		case '53200':
			return {
				code: 'SERVER_ERROR',
				hint: 'The server is out of memory for this. Where the message speaks of shared memory, raise max_locks_per_transaction: a dump locks every table.',
			};
		case '53100':
			return { code: 'NO_SPACE', hint: "The server's disk is full. Make room there, then run the job again." };
		case '57P01':
		case '57P02':
		case '57P03':
			return {
				code: 'SERVER_UNREACHABLE',
				hint: 'The server is starting up or shutting down. Run the job again when it accepts connections.',
			};
		case '55P03':
			return {
				code: 'SERVER_ERROR',
				hint: 'Another session holds a lock on this object (see pg_locks). Wait for it to end, then run the job again.',
			};
		case '55006':
		case '55000':
			return {
				code: 'SERVER_ERROR',
				hint: 'Something uses this object or database, or it is not ready for connections. End what uses it, then run the job again.',
			};
		default:
			return {
				code: 'SERVER_ERROR',
				hint: "Look at the server's log for this moment, remove the cause, then run the job again.",
			};
	}
}

/** `code` of a system or TLS error; of the first one where several addresses were tried. */
export function errnoOf(error: unknown): string | undefined {
	if (typeof error !== 'object' || error === null || isServerError(error)) return undefined;
	const { code, errors } = error as { code?: unknown; errors?: unknown };
	if (typeof code === 'string') return code;
	return Array.isArray(errors) ? errnoOf(errors[0]) : undefined;
}

/** OpenSSL's and Node's codes: https://nodejs.org/api/errors.html#openssl-errors and the X509 codes of `tls`. */
function isTlsCode(code: string): boolean {
	return /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|EPROTO$)/.test(
		code,
	);
}
