import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { readArtifact } from '../backup/read-artifact';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { ARTIFACTS, requiredArtifact } from './artifacts';

/** The settings file is a few hundred bytes; more than this is none. */
const MOST_SETTINGS_BYTES = 1024 * 1024;

/** Writes an artifact, decrypted, decompressed and checked, into a new file that only its owner can read. */
export async function fetchArtifact(store: Store, manifest: Manifest, artifact: Artifact, file: string, context: JobContext): Promise<void> {
	const onStoredBytes = (done: number) => context.progress({ step: `Reading ${artifact.name}`, done, total: artifact.storedBytes, unit: 'bytes' });
	const bytes = readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys, onStoredBytes });
	await pipeline(bytes, createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }), { signal: context.signal });
}

/**
 * n8n's encryption key as the backup holds it, with the rest of its settings file.
 * @throws BackupError `N8N_KEY_MISSING` when it holds none
 */
export async function fetchSettings(store: Store, manifest: Manifest, context: JobContext): Promise<Record<string, unknown> & { readonly encryptionKey: string }> {
	const artifact = requiredArtifact(manifest, ARTIFACTS.settings);
	if (artifact.sourceBytes > MOST_SETTINGS_BYTES) throw noKey(manifest);
	const bytes = await buffer(readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys }));
	const settings = parse(bytes.toString('utf8'));
	const key = settings?.encryptionKey;
	if (typeof key !== 'string' || key === '') throw noKey(manifest);
	return { ...settings, encryptionKey: key };
}

function parse(text: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
	} catch {
		// The parser's error would quote the key.
		return undefined;
	}
}

function noKey(manifest: Manifest): BackupError {
	return new BackupError('N8N_KEY_MISSING', `Backup ${manifest.id} does not hold n8n's encryption key.`, 'Without it nobody can open the credentials. Use another backup, or the key from elsewhere with RESTORE.txt.');
}
