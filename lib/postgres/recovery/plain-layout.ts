import { mkdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { readArtifact } from '../../backup/read-artifact';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';

/** TEMPORARY until the real one is there. */
export async function layOutPlain(store: Store, chain: readonly Manifest[], dataFolder: string, context: JobContext): Promise<void> {
	const [full, ...rest] = chain;
	const artifact = full?.artifacts.find(({ role }) => role === 'base');
	if (!full || !artifact || rest.length > 0) throw new BackupError('INTERNAL', 'Not yet.', 'Not yet.');
	await mkdir(dataFolder, { mode: 0o700 });
	await pipeline(Readable.from(readArtifact(store, full, artifact, { signal: context.signal, keys: context.keys })), extract({ cwd: dataFolder, preserveOwner: false }));
}
