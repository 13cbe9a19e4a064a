import tls from 'node:tls';
import type { PostgresConnection } from './connection-settings';

/** How the driver is to use TLS: https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
export interface TlsPlan {
	/** Options for the first try; false: without TLS. */
	readonly ssl: tls.ConnectionOptions | false;
	/** `prefer`: where TLS does not come about, go on without. */
	readonly fallBackToPlain: boolean;
}

/**
 * The same meaning as libpq's sslmode: `prefer` and `require` encrypt without checking who is there, except that `require`
 * with an authority checks like `verify-ca`; `verify-full` also checks the name. A Unix socket is never encrypted.
 */
export function tlsPlan(connection: Pick<PostgresConnection, 'host' | 'tls'>): TlsPlan {
	if (connection.host.startsWith('/')) return { ssl: false, fallBackToPlain: false };
	const authority = connection.tls.ca === '' ? {} : { ca: connection.tls.ca };
	switch (connection.tls.mode) {
		case 'disable':
			return { ssl: false, fallBackToPlain: false };
		case 'prefer':
			return { ssl: { rejectUnauthorized: false }, fallBackToPlain: true };
		case 'require':
			return connection.tls.ca === ''
				? { ssl: { rejectUnauthorized: false }, fallBackToPlain: false }
				: { ssl: { ...authority, checkServerIdentity: anyName }, fallBackToPlain: false };
		case 'verify-ca':
			return { ssl: { ...authority, rejectUnauthorized: true, checkServerIdentity: anyName }, fallBackToPlain: false };
		case 'verify-full':
			return { ssl: { ...authority, rejectUnauthorized: true }, fallBackToPlain: false };
	}
}

/** The authorities that libpq is to trust, as PEM; undefined: it checks nothing. */
export function trustedAuthorities(connection: Pick<PostgresConnection, 'tls'>): string | undefined {
	const { mode, ca } = connection.tls;
	switch (mode) {
		case 'disable':
		case 'prefer':
			return undefined;
		case 'require':
			return ca === '' ? undefined : ca;
		case 'verify-ca':
		case 'verify-full':
			return ca === '' ? tls.getCACertificates('default').join('\n') : ca;
	}
}

function anyName(): undefined {
	return undefined;
}
