import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onceARun } from './once-a-run';

const run = promisify(execFile);

/** The folder with the real n8n, as `scripts/setup/n8n.mjs` installs it. */
export function n8nFolder(): string {
	const folder = process.env.BACKUP_RECOVERY_TEST_N8N ?? defaultFolder();
	if (existsSync(join(folder, 'node_modules', 'n8n', 'bin', 'n8n'))) return folder;
	throw new Error(`There is no n8n in ${folder}. Run this through npm (npm run test:e2e, npm run demo, npm run pictures), which installs it.`);
}

function defaultFolder(): string {
	const lock = readFileSync(join(__dirname, '..', 'n8n', 'package-lock.json'));
	const hash = createHash('sha256').update(lock).digest('hex').slice(0, 12);
	return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'n8n-nodes-backup-recovery', `n8n-${hash}`);
}

/**
 * Installs a packed package where n8n looks for community packages, so that its nodes get the type prefix
 * `n8n-nodes-backup-recovery.` as they do for users. npm itself, which takes seconds, runs once a run for the same tarball.
 */
export async function installTarball(userFolder: string, tarball: string): Promise<void> {
	const nodes = join(userFolder, '.n8n', 'nodes');
	await mkdir(nodes, { recursive: true });
	const name = createHash('sha256').update(tarball).digest('hex').slice(0, 12);
	const installed = await onceARun(`installed-${name}`, async (folder) => await install(folder, tarball));
	if (installed === undefined) await install(nodes, tarball);
	else await run('cp', ['-a', `${installed}/.`, nodes]);
}

async function install(folder: string, tarball: string): Promise<void> {
	await run('npm', [
		'install', '--prefix', folder, '--omit=peer', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball,
	]);
}
