import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { Decryption, Encryption } from '../../lib/core/keys';
import { wrong } from './parameters';

/** What a "Backup Encryption" credential encrypts with; null where it only decrypts. */
export function encryptionOf(data: ICredentialDataDecryptedObject): Encryption | null {
	if (methodOf(data) === 'passphrase') return { to: 'passphrase', passphrase: passphraseOf(data) };
	const recipients = linesOf(data.recipients);
	return recipients.length === 0 ? null : { to: 'recipients', recipients };
}

/** What it decrypts with; null where it only encrypts. */
export function decryptionOf(data: ICredentialDataDecryptedObject): Decryption | null {
	if (methodOf(data) === 'passphrase') return { identities: [], passphrase: passphraseOf(data) };
	const identities = linesOf(data.secretKeys);
	return identities.length === 0 ? null : { identities };
}

function methodOf({ method }: ICredentialDataDecryptedObject): 'recipients' | 'passphrase' {
	if (method === 'recipients' || method === 'passphrase') return method;
	throw wrong('Method of the encryption credential', 'is unknown to this version of the package', 'Open the credential and choose its method again.');
}

function passphraseOf({ passphrase }: ICredentialDataDecryptedObject): string {
	if (typeof passphrase === 'string' && passphrase !== '') return passphrase;
	throw wrong('Passphrase of the encryption credential', 'is empty', 'Open the credential and fill it in.');
}

/** Key files of age hold comments, so a whole file can be pasted. */
function linesOf(value: unknown): string[] {
	if (typeof value !== 'string') return [];
	const lines = value.split(/[\r\n,]+/).map((line) => line.trim());
	return lines.filter((line) => line !== '' && !line.startsWith('#'));
}
