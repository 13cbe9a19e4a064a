import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './project.mjs';
import { runQuietly } from './run.mjs';

/** Installs the project's dependencies when they are missing or the lock file has changed since. */
export async function npmDependencies() {
	const stamp = join(root, 'node_modules', '.installed-lock');
	const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
	await runQuietly('Installing the dependencies from npm', 'npm', ['ci'], { cwd: root });
	writeFileSync(stamp, lock);
}
