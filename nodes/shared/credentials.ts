import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { z } from 'zod';
import { TLS_MODES, type postgresConnectionSchema } from '../../lib/postgres/connection-settings';
import type { StoreLocation } from '../../lib/storage/location';
import { requiredField, textField } from './credential-fields';
import { wrong } from './parameters';
import { s3Location } from './s3-credential';

/** A connection as a job takes it, before defaults. */
export type PostgresConnectionInput = z.input<typeof postgresConnectionSchema>;

/** The part of a job that a "Backup Postgres" credential yields. */
export function postgresConnection(data: ICredentialDataDecryptedObject): PostgresConnectionInput {
	const mode = TLS_MODES.find((known) => known === data.tlsMode);
	if (mode === undefined) throw wrong('TLS of the Postgres credential', 'is not one of the modes', `Use one of: ${TLS_MODES.join(', ')}.`);
	const verifies = mode === 'verify-ca' || mode === 'verify-full';
	return {
		host: requiredField(data.host, 'Host of the Postgres credential'),
		port: Number(data.port),
		user: requiredField(data.user, 'User of the Postgres credential'),
		password: textField(data.password),
		database: textField(data.database) || 'postgres',
		tls: { mode, ca: verifies ? textField(data.ca) : '' },
		connectTimeoutSeconds: Number(data.connectTimeout),
		clientFolder: textField(data.clientFolder),
	};
}

/** The part of a job that a "Backup Store" credential yields; the file policy is not checked here. */
export function storeLocation(data: ICredentialDataDecryptedObject): StoreLocation {
	switch (data.type) {
		case 'folder':
			return { type: 'folder', path: requiredField(data.path, 'Folder of the store credential'), prefix: textField(data.prefix) };
		case 's3':
			return s3Location(data);
		default:
			throw wrong('Type of the store credential', 'is unknown to this version of the package', 'Open the credential and choose its type again.');
	}
}
