import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onceARun } from './once-a-run';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');

export interface PackedPackage {
	/** The `.tgz` that users would get from npm. */
	readonly tarball: string;
	remove(): Promise<void>;
}

/** Packs the built project as `npm publish` would, once for all test files of a run. */
export async function packPackage(): Promise<PackedPackage> {
	if (!existsSync(join(root, 'dist', 'nodes'))) throw new Error('The package is not built. Run this through npm, which builds it, or type: npm run build');
	const shared = await onceARun('package', pack);
	if (shared !== undefined) return { tarball: await tarballIn(shared), remove: async () => undefined };
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-package-'));
	await pack(folder);
	return { tarball: await tarballIn(folder), remove: () => rm(folder, { recursive: true, force: true }) };
}

async function pack(folder: string): Promise<void> {
	await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
}

async function tarballIn(folder: string): Promise<string> {
	const name = (await readdir(folder)).find((each) => each.endsWith('.tgz'));
	if (name === undefined) throw new Error('npm pack gave no file.');
	return join(folder, name);
}
