import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHARED_FOLDER } from './once-a-run';

/** jest's global set-up of the kinds of tests that share what is costly; of several kinds in one run the first makes the folder. */
export default async function makeSharedFolder(): Promise<void> {
	if (process.env[SHARED_FOLDER] !== undefined) return;
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-shared-'));
	// Servers run as users of their own.
	await chmod(folder, 0o755);
	process.env[SHARED_FOLDER] = folder;
}
