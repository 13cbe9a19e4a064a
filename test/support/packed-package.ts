import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');

export interface PackedPackage {
	/** The `.tgz` that users would get from npm. */
	readonly tarball: string;
	remove(): Promise<void>;
}

/** Packs the built project as `npm publish` would. */
export async function packPackage(): Promise<PackedPackage> {
	if (!existsSync(join(root, 'dist', 'nodes'))) throw new Error('The package is not built. Run this through npm, which builds it, or type: npm run build');
	const folder = await mkdtemp(join(tmpdir(), 'backup-recovery-package-'));
	const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
	const [packed] = JSON.parse(stdout) as Array<{ filename: string }>;
	if (packed === undefined) throw new Error(`npm pack gave no file: ${stdout}`);
	return { tarball: join(folder, packed.filename), remove: () => rm(folder, { recursive: true, force: true }) };
}
