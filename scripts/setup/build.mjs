import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './project.mjs';
import { runQuietly } from './run.mjs';

const SOURCES = ['nodes', 'credentials', 'lib', 'cli', 'workflows', 'scripts/bundle-break-glass.mjs', 'gulpfile.js', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Compiles the package unless what was last compiled came from these very sources. */
export async function build() {
	const stamp = join(root, 'node_modules', '.built-sources');
	const now = digestSources();
	if (existsSync(join(root, 'dist')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
	await runQuietly('Building the package', 'npm', ['run', 'build'], { cwd: root });
	writeFileSync(stamp, now);
}

function digestSources() {
	const digest = createHash('sha256');
	for (const file of SOURCES.flatMap(filesIn)) digest.update(`${file}\0`).update(readFileSync(join(root, file)));
	return digest.digest('hex');
}

function filesIn(path) {
	if (!existsSync(join(root, path))) return [];
	if (!statSync(join(root, path)).isDirectory()) return [path];
	return readdirSync(join(root, path)).sort().flatMap((name) => filesIn(join(path, name)));
}
