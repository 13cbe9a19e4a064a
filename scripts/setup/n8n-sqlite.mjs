import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { runQuietly } from './run.mjs';
import { SetupError } from './setup-error.mjs';

/** Compiles SQLite's driver for the tests' n8n, for the tests with an n8n on SQLite. Needs g++, make and Python 3; takes a minute, once. */
export async function n8nSqlite() {
	const modules = join(process.env.BACKUP_RECOVERY_TEST_N8N, 'node_modules');
	const driver = join(modules, 'sqlite3', 'build', 'Release', 'node_sqlite3.node');
	if (existsSync(driver)) return;
	// In a folder of its own, so that two commands at once, or one that is interrupted, leave no half-made driver behind.
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-sqlite3-'));
	try {
		const copy = join(folder, 'node_modules', 'sqlite3');
		for (const name of ['sqlite3', 'node-addon-api']) await cp(join(modules, name), join(folder, 'node_modules', name), { recursive: true });
		await runQuietly("Compiling SQLite's driver for the tests' n8n", 'node', [nodeGyp(), 'rebuild'], { cwd: copy, env: { NODE_PATH: modules, ...nodeHeaders() } });
		await mkdir(dirname(driver), { recursive: true });
		const temporary = `${driver}.${process.pid}`;
		await cp(join(copy, 'build', 'Release', 'node_sqlite3.node'), temporary);
		await rename(temporary, driver);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** node-gyp as it comes with npm. npm's own idea of where it is follows the Node first in PATH, which may have none. */
function nodeGyp() {
	for (const folder of (process.env.PATH ?? '').split(delimiter)) {
		if (!existsSync(join(folder, 'npm'))) continue;
		const program = join(dirname(realpathSync(join(folder, 'npm'))), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
		if (existsSync(program)) return program;
	}
	throw new SetupError('npm is there without its node-gyp, which compiles the SQLite driver for the tests. Install npm as it comes from npm or Debian.');
}

/**
 * The headers that came with the Node that runs n8n; without them node-gyp fetches them. By the environment, because a setting
 * `nodedir` of npm's, which arrives there too, wins over an option of the command line.
 */
function nodeHeaders() {
	const root = join(dirname(execFileSync('node', ['-p', 'process.execPath'], { encoding: 'utf8' }).trim()), '..');
	return existsSync(join(root, 'include', 'node', 'node.h')) ? { npm_config_nodedir: root } : {};
}
