import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Manifest } from '../catalog/manifest';

/** Written in by the build of the break-glass kit's single file, which has no package.json. */
declare const BUNDLED_VERSION: string | undefined;

const PACKAGE = 'n8n-nodes-backup-recovery';

/** Package, version and host, for the manifest. */
export function createdBy(): Manifest['createdBy'] {
	return { name: PACKAGE, version: typeof BUNDLED_VERSION === 'string' ? BUNDLED_VERSION : packageVersion(__dirname), host: hostname() };
}

/** The package's own package.json is a different number of folders up in the sources and in `dist`. */
function packageVersion(from: string): string {
	const file = join(from, 'package.json');
	if (existsSync(file)) {
		const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
		if (name === PACKAGE && version !== undefined) return version;
	}
	const parent = dirname(from);
	return parent === from ? 'unknown' : packageVersion(parent);
}
