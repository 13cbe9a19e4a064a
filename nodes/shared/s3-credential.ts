import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { CHECKSUM_MODES, LOCK_MODES, SERVER_SIDE_ENCRYPTIONS, type StoreLocation, storeLocationSchema } from '../../lib/storage/location';
import { requiredField, textField } from './credential-fields';
import { wrong } from './parameters';

const BYTES_IN_MB = 1_000_000;

/** The part of a job that a "Backup Store" credential of the type S3 yields. Fields that a credential from before they were there lacks have their defaults. */
export function s3Location(data: ICredentialDataDecryptedObject): StoreLocation {
	const location = {
		type: 's3',
		bucket: requiredField(data.bucket, 'Bucket of the store credential'),
		prefix: textField(data.prefix),
		endpoint: textField(data.endpoint).trim(),
		region: textField(data.region).trim() || 'us-east-1',
		forcePathStyle: data.forcePathStyle === true,
		checksums: choice(data.checksums, CHECKSUM_MODES, 'WHEN_SUPPORTED', 'Checksums of the store credential'),
		ca: textField(data.ca).trim(),
		credentials: rights(data),
		objectLock: lock(data),
		uploadLimit: limit(data.uploadLimit),
		downloadLimit: limit(data.downloadLimit),
		storageClass: textField(data.storageClass).trim(),
		serverSideEncryption: choice(data.serverSideEncryption, SERVER_SIDE_ENCRYPTIONS, 'none', 'Server-Side Encryption of the store credential'),
		kmsKeyId: textField(data.kmsKeyId).trim(),
	};
	const checked = storeLocationSchema.safeParse(location);
	if (checked.success) return checked.data;
	const [issue] = checked.error.issues;
	throw wrong(`${issue?.path.join('.') ?? 'S3'} of the store credential`, `is ${issue?.message ?? 'wrong'}`, 'Open the credential and correct it.');
}

function rights(data: ICredentialDataDecryptedObject) {
	if (choice(data.authentication, ['keys', 'role'] as const, 'keys', 'Authentication of the store credential') === 'role') return { from: 'role' };
	return {
		from: 'keys',
		accessKeyId: requiredField(data.accessKeyId, 'Access Key ID of the store credential'),
		secretAccessKey: requiredField(data.secretAccessKey, 'Secret Access Key of the store credential'),
		sessionToken: textField(data.sessionToken).trim(),
	};
}

function lock(data: ICredentialDataDecryptedObject) {
	const mode = choice(data.objectLock, ['off', ...LOCK_MODES] as const, 'off', 'Object Lock of the store credential');
	return mode === 'off' ? null : { mode, days: Number(data.objectLockDays ?? 0) };
}

/** A limit that is too small to count is not the same as none. */
function limit(megabytes: unknown): number {
	const bytes = Number(megabytes ?? 0) * BYTES_IN_MB;
	return bytes > 0 ? Math.max(1, Math.round(bytes)) : bytes;
}

function choice<const T extends string>(value: unknown, allowed: readonly T[], otherwise: T, label: string): T {
	if (value === undefined || value === '') return otherwise;
	const found = allowed.find((one) => one === value);
	if (found === undefined) throw wrong(label, 'is none of the possible values', `Use one of: ${allowed.join(', ')}.`);
	return found;
}
