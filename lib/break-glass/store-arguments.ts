import { posix } from 'node:path';
import type { StoreLocation } from '../storage/location';

/** Where the certificate of the store's authority lies in a kit. */
export const STORE_CA_NAME = 'store-ca.pem';

/** How the command line is told of a store; no secrets, which `ps` would show. */
export function storeArguments(store: StoreLocation): string[] {
	if (store.type === 'folder') return ['--store', store.prefix === '' ? store.path : posix.join(store.path, store.prefix)];
	return [
		'--store',
		`s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`}`,
		...(store.endpoint === '' ? [] : ['--endpoint', store.endpoint]),
		'--region',
		store.region,
		...(store.forcePathStyle ? ['--path-style'] : []),
		...(store.checksums === 'WHEN_SUPPORTED' ? [] : ['--checksums', store.checksums]),
		...(store.ca === '' ? [] : ['--store-ca-file', STORE_CA_NAME]),
	];
}

/** The keys of a store as the command line takes them; none for a folder, or where the machine's role is used. */
export function storeVariables(store: StoreLocation): Record<string, string> {
	if (store.type === 'folder' || store.credentials.from === 'role') return {};
	const { accessKeyId, secretAccessKey, sessionToken } = store.credentials;
	return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, ...(sessionToken !== '' && { AWS_SESSION_TOKEN: sessionToken }) };
}

/** What must be reached to use the store, as `BACKUP_RECOVERY_ONLY_NETWORK` takes it. */
export function storeNetwork(store: StoreLocation): string {
	if (store.type === 'folder') return 'none';
	const role = store.credentials.from === 'role' ? ['169.254.169.254:80', '169.254.170.2:80', 'amazonaws.com:443'] : [];
	if (store.endpoint === '') return ['amazonaws.com:443', ...role].join(',');
	const { hostname, port, protocol } = new URL(store.endpoint);
	const host = hostname.replace(/^\[|\]$/g, '');
	return [`${host}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`, ...role].join(',');
}

/** An argument as a POSIX shell reads it back. */
export function shellQuoted(text: string): string {
	return /^[A-Za-z0-9_/:=.,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
