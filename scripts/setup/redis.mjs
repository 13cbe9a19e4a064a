import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cached } from './cache.mjs';
import { debianPackages } from './debian-packages.mjs';

/**
 * A Redis server for tests, without one that runs: Debian's package redis-server would start a service on port 6379. Its program is the same file as
 * redis-check-rdb of redis-tools, which has no service; under its own name it is the server.
 */
export async function redis() {
	await debianPackages(['redis']);
	const found = (program) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program)).find((path) => existsSync(path));
	if (found('redis-server') !== undefined) return;
	const folder = await cached('redis-server', async (temporary) => {
		await mkdir(join(temporary, 'bin'));
		await symlink(found('redis-check-rdb'), join(temporary, 'bin', 'redis-server'));
	});
	process.env.PATH = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`;
}
