import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface NpmRegistry {
	readonly url: string;
	/** The tarballs of our package that were fetched from here. */
	readonly served: string[];
	stop(): Promise<void>;
}

/**
 * A registry that knows one package more than npm's: the tarball given. For everything else it points to the registry that
 * this machine uses. With it n8n's own installer can be tested before anything is published.
 */
export async function startRegistry(manifest: { name: string; version: string }, tarball: string): Promise<NpmRegistry> {
	const { stdout } = await run('npm', ['config', 'get', 'registry']);
	const upstream = stdout.trim().replace(/\/$/, '');
	const bytes = await readFile(tarball);
	const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
	const shasum = createHash('sha1').update(bytes).digest('hex');
	const served: string[] = [];
	const server = createServer((request, response) => {
		const path = decodeURIComponent(request.url ?? '/');
		if (path.endsWith('.tgz') && path.startsWith(`/${manifest.name}/`)) {
			served.push(path);
			response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length }).end(bytes);
		} else if (path === `/${manifest.name}` || path.startsWith(`/${manifest.name}/`)) {
			const url = `http://${request.headers.host}/${manifest.name}/-/${basename(tarball)}`;
			const version = { ...manifest, dist: { tarball: url, integrity, shasum } };
			const whole = { name: manifest.name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: version } };
			response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(path === `/${manifest.name}` ? whole : version));
		} else {
			response.writeHead(302, { location: upstream + (request.url ?? '/') }).end();
		}
	});
	await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
	return {
		url: `http://127.0.0.1:${address.port}`,
		served,
		stop: () => new Promise((resolve) => {
			server.closeAllConnections();
			server.close(() => resolve());
		}),
	};
}
