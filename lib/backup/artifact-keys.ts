import type { Artifact, Manifest } from '../catalog/manifest';
import { BackupError } from '../core/errors';
import type { JobKeys } from '../core/keys';
import type { WrongKeyError } from '../pipeline/age';

/** Whether the job has a key of the kind that the artifact needs; whether it is the right one shows only when it is read. */
export function hasKeyFor({ encryption }: Artifact, { decryption }: JobKeys): boolean {
	if (!encryption) return true;
	return encryption.to === 'passphrase' ? decryption?.passphrase !== undefined : (decryption?.identities.length ?? 0) > 0;
}

/** The error of a job that has no key of the kind that the artifact needs. */
export function keyMissing({ id }: Pick<Manifest, 'id'>, { name, encryption }: Artifact): BackupError {
	const what = encryption?.to === 'passphrase' ? 'passphrase' : 'identity';
	return new BackupError(
		'KEY_MISSING',
		`${name} of backup ${id} is encrypted ${toWhom(encryption)}, and no ${what} was given.`,
		`Give the "Backup Encryption" credential (or the command line) the ${what} that opens it. Nothing was changed.`,
	);
}

/** The error of a job whose keys do not open the artifact. */
export function keyWrong({ id }: Pick<Manifest, 'id'>, { name, encryption }: Artifact, cause: WrongKeyError): BackupError {
	return new BackupError(
		'KEY_WRONG',
		`${name} of backup ${id} is encrypted ${toWhom(encryption)}, and none of the given keys opens it.`,
		'Use the key that belongs to it; "age-keygen -y identity.txt" shows the public key of an identity. Nothing was changed.',
		{ cause },
	);
}

function toWhom(encryption: Artifact['encryption']): string {
	return encryption?.to === 'passphrase' ? 'with a passphrase' : `to ${(encryption?.recipients ?? []).join(', ')}`;
}
