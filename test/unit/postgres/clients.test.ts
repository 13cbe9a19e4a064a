import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClient, listClients, parseVersion } from '../../../lib/postgres/clients';
import { failure } from '../../support/failure';

const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'backup-recovery-tools-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function client(body: string, mode = 0o755): Promise<void> {
	await writeFile(join(folder, 'pg_dump'), `#!/bin/sh\n${body}\n`);
	await chmod(join(folder, 'pg_dump'), mode);
}

it.each([
	['pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n', { version: '15.18 (Debian 15.18-0+deb12u1)', major: 15 }],
	['pg_restore (PostgreSQL) 18devel', { version: '18devel', major: 18 }],
	['pg_dump (PostgreSQL) 19beta1', { version: '19beta1', major: 19 }],
	['something else', undefined],
])('reads %j', (output, expected) => {
	expect(parseVersion(output)).toEqual(expected);
});

it('takes a client of the same major version or a newer one', async () => {
	await client('echo "pg_dump (PostgreSQL) 16.1"');
	for (const serverMajor of [13, 16])
		expect(await findClient('pg_dump', { serverMajor, clientFolder: folder, signal })).toEqual({
			path: join(folder, 'pg_dump'),
			version: '16.1',
			major: 16,
		});
});

it('says which are too old and how to install the right one', async () => {
	await client('echo "pg_dump (PostgreSQL) 13.9"');
	const error = await failure(findClient('pg_dump', { serverMajor: 17, clientFolder: folder, signal }));
	expect(error.code).toBe('CLIENT_TOO_OLD');
	expect(error.message).toBe(
		`The server is PostgreSQL 17, and every pg_dump in ${folder} is older: ${join(folder, 'pg_dump')} (13.9).`,
	);
	expect(error.hint).toContain('apt-get install postgresql-client-17');
	expect(error.hint).toContain('apk add postgresql17-client');
});

it.each([
	['cannot be executed', 'echo "pg_dump (PostgreSQL) 16.1"', 0o644],
	['fails', 'exit 1', 0o755],
	['is something else', 'echo hello', 0o755],
])('passes over one that %s', async (_, body, mode) => {
	await client(body, mode);
	expect((await failure(findClient('pg_dump', { serverMajor: 15, clientFolder: folder, signal }))).code).toBe('CLIENT_MISSING');
});

it('finds those in the usual folders of this machine, real ones before wrappers', async () => {
	const clients = await listClients('pg_dump', '', signal);
	expect(clients[0]?.path).not.toBe('/usr/bin/pg_dump');
	expect(clients.length).toBeGreaterThan(0);
});
