import type { Decryption, Encryption } from '../lib/core/keys';
import { listOption, type OptionValues, textOption } from './options';
import { readSecretLines, type SecretSources } from './secrets';
import { UsageError } from './usage-error';

export const keyOptions = {
	'identity-file': { type: 'string' },
	'passphrase-file': { type: 'string' },
} as const;

/**
 * What encrypted backups are opened with: `--identity-file` (as age-keygen writes it) or `--passphrase-file`, else the variables
 * `BACKUP_RECOVERY_IDENTITY` and `BACKUP_RECOVERY_PASSPHRASE`; never a flag, which `ps` would show. null: nothing was given.
 */
export async function decryptionFrom(values: OptionValues, sources: SecretSources): Promise<Decryption | null> {
	const { environment } = sources;
	const identities = await secretLines(textOption(values, 'identity-file'), environment.BACKUP_RECOVERY_IDENTITY, sources);
	const [passphrase] = await secretLines(textOption(values, 'passphrase-file'), environment.BACKUP_RECOVERY_PASSPHRASE, sources);
	if (identities.some((line) => !line.startsWith('AGE-SECRET-KEY-1'))) {
		throw new UsageError('The identity file holds a line that is no identity of age (AGE-SECRET-KEY-1...).');
	}
	return identities.length === 0 && passphrase === undefined ? null : { identities, passphrase };
}

/** For commands that make backups. */
export const recipientOption = { recipient: { type: 'string', multiple: true } } as const;

/** What a command's own backups are encrypted with: every `--recipient`, else the passphrase that opens the others; null: nothing was given. */
export function encryptionFrom(values: OptionValues, decryption: Decryption | null): Encryption | null {
	const recipients = listOption(values, 'recipient');
	if (recipients.length > 0) return { to: 'recipients', recipients };
	return decryption?.passphrase === undefined ? null : { to: 'passphrase', passphrase: decryption.passphrase };
}

async function secretLines(file: string | undefined, variable: string | undefined, sources: SecretSources): Promise<string[]> {
	if (file !== undefined) return await readSecretLines(file, sources);
	return variable === undefined || variable === '' ? [] : [variable.trim()];
}
