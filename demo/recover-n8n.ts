import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRestoredN8n } from '../test/support/restored-n8n';
import type { Progress } from './progress';
import type { Stage } from './stage';

const run = promisify(execFile);
const COMMAND = join(__dirname, '..', 'dist', 'cli', 'backup-recovery.js');

/**
 * n8n itself, as after the loss of its server: from the store alone, by the command line, into an empty folder; then somebody logs in there.
 * @returns whether the restored n8n has the workflows of the one that was backed up
 */
export async function recoverN8n({ n8n, stack, identityFile, folder }: Stage, progress: Progress): Promise<boolean> {
	const userFolder = join(folder, 'new-server');
	await mkdir(userFolder);
	await progress.step('Restore n8n into an empty folder, from the second place, without n8n', async () => {
		const options = ['--store', stack.places.second, '--identity-file', identityFile, '--data-folder', join(userFolder, '.n8n')];
		await run(process.execPath, [COMMAND, 'restore-n8n', ...options], { maxBuffer: 1 << 24 });
		return { value: undefined, result: 'database and encryption key' };
	});
	return await progress.step('Start it, and log in with the old password', async () => {
		const restored = await startRestoredN8n(userFolder);
		try {
			await restored.rest.logIn();
			const found = new Set((await restored.rest.workflows()).map(({ id }) => id));
			const missing = (await n8n.rest.workflows()).filter(({ id }) => !found.has(id));
			const same = missing.length === 0 && found.size > 0;
			return { value: same, result: same ? `all ${found.size} workflows are there` : `MISSING: ${missing.map(({ name }) => name).join(', ')}` };
		} finally {
			await restored.stop();
		}
	});
}
