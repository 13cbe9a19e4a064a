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

/**
 * A backup that builds on others opens only for who has the keys of all of them.
 * @throws BackupError `KEY_WRONG` where a key that the next backup is for does not open one of `chain`
 */
export function requireSameKeys(chain: readonly Manifest[], { encryption }: JobKeys): void {
	if (encryption?.to !== 'recipients') return;
	for (const { id, artifacts } of chain) {
		const other = artifacts.find((artifact) => artifact.encryption && encryption.recipients.some((recipient) => artifact.encryption?.recipients?.includes(recipient) !== true));
		if (!other) continue;
		throw new BackupError(
			'KEY_WRONG',
			`Backup ${id} is encrypted ${toWhom(other.encryption)}, the next one is to be encrypted to ${encryption.recipients.join(', ')}: what builds on it could not be restored with every one of those keys.`,
			'Make a full backup, with which a new chain begins. Keep the old key as long as an old backup is there.',
		);
	}
}

function toWhom(encryption: Artifact['encryption']): string {
	return encryption?.to === 'passphrase' ? 'with a passphrase' : `to ${(encryption?.recipients ?? []).join(', ')}`;
}
