import type { Artifact } from '../catalog/manifest';

/**
 * For RESTORE.txt: the shell command with which stock tools write an artifact's source bytes to standard output, e.g.
 * `age -d -i identity.txt globals.sql.zst.age | zstd -dc`. Artifact names need no quoting.
 */
export function decodeCommand({ name, compression, encryption }: Pick<Artifact, 'name' | 'compression' | 'encryption'>): string {
	const decompress = compression.algorithm === 'zstd';
	if (!encryption) return decompress ? `zstd -dc ${name}` : `cat ${name}`;
	const decrypt = encryption.to === 'passphrase' ? `age -d ${name}` : `age -d -i identity.txt ${name}`;
	return decompress ? `${decrypt} | zstd -dc` : decrypt;
}

/** For RESTORE.txt: what must be at hand before an artifact can be decrypted, as lines of text; none where nothing is encrypted. */
export function keyInstructions(artifacts: readonly Pick<Artifact, 'encryption'>[]): string[] {
	const encryption = artifacts.find((artifact) => artifact.encryption)?.encryption;
	if (!encryption) return [];
	if (encryption.to === 'passphrase') return ['It is encrypted with a passphrase: age asks for it.', ''];
	return [
		`It is encrypted to ${(encryption.recipients ?? []).join(', ')}.`,
		'Put the identity (the line AGE-SECRET-KEY-1...) that belongs to it into the file identity.txt beside this one, with mode 0600.',
		'',
	];
}
