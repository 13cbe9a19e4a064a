import { BackupError } from '../../core/errors';
import { tryKeys } from '../../pipeline/try-keys';
import type { JobHandler } from '../handler';

export const testEncryption: JobHandler<'encryption.test'> = async ({ encryption, decryption }) => {
	if (encryption === null && decryption === null) {
		throw new BackupError('INVALID_INPUT', 'The credential holds neither a public key nor an identity.', 'Make a pair with "age-keygen", paste the public key here and keep the identity in a safe place.');
	}
	return await tryKeys(encryption, decryption);
};
