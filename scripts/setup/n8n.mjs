import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.mjs';
import { root } from './project.mjs';
import { runQuietly } from './run.mjs';

/**
 * The real n8n, installed from its own lock file into the cache folder and named in `BACKUP_RECOVERY_TEST_N8N`.
 * No install script runs: the one that matters compiles SQLite's driver, which `n8n-sqlite.mjs` does where a test needs it.
 */
export async function n8n() {
	const source = join(root, 'test', 'n8n');
	const hash = createHash('sha256').update(readFileSync(join(source, 'package-lock.json'))).digest('hex').slice(0, 12);
	process.env.BACKUP_RECOVERY_TEST_N8N = await cached(`n8n-${hash}`, async (folder) => {
		for (const file of ['package.json', 'package-lock.json']) await copyFile(join(source, file), join(folder, file));
		await runQuietly('Installing a real n8n from npm for the tests (about 3 GB, some minutes, once)', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
	});
}
