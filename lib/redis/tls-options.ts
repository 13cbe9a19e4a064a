import type { ConnectionOptions } from 'node:tls';
import { isIP } from 'node:net';
import type { RedisConnection } from './connection-settings';

/** Options for `tls.connect`; undefined: without TLS. A Unix socket is never encrypted. */
export function tlsOptions({ tls }: Pick<RedisConnection, 'tls'>, host: string): ConnectionOptions | undefined {
	if (tls.mode === 'disable' || host.startsWith('/')) return undefined;
	const common: ConnectionOptions = {
		...(tls.ca === '' ? {} : { ca: tls.ca }),
		...(tls.certificate === '' ? {} : { cert: tls.certificate }),
		...(tls.key === '' ? {} : { key: tls.key }),
		// Server Name Indication is for names only (RFC 6066).
		...(isIP(host) === 0 ? { servername: host } : {}),
	};
	switch (tls.mode) {
		case 'require':
			return { ...common, rejectUnauthorized: false };
		case 'verify-ca':
			return { ...common, rejectUnauthorized: true, checkServerIdentity: () => undefined };
		case 'verify-full':
			return { ...common, rejectUnauthorized: true };
	}
}
