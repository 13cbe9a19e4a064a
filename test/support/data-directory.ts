import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chown, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CRC32C_START, crc32c } from '../../lib/postgres/wal/crc32c';
import { onceARun } from './once-a-run';

const run = promisify(execFile);

/** A user of the system. */
export interface Owner {
	readonly uid: number;
	readonly gid: number;
}

export interface Initialised {
	readonly serverFolder: string;
	/** Of the user `postgres`. */
	readonly password: string;
	readonly auth: 'scram-sha-256' | 'trust';
	/** What initdb gets besides. */
	readonly more: readonly string[];
	readonly owner: Owner | undefined;
}

/** Makes `<folder>/data` as initdb does, with a system identifier of its own. initdb itself takes a second and runs once a run for the same wishes. */
export async function makeDataDirectory(folder: string, wishes: Initialised): Promise<string> {
	const data = join(folder, 'data');
	const { owner, ...rest } = wishes;
	const name = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 12);
	const template = await onceARun(`postgres-${name}`, async (empty) => {
		if (owner) await chown(empty, owner.uid, owner.gid);
		await initdb(empty, wishes);
	});
	if (template === undefined) {
		await initdb(folder, wishes);
		return data;
	}
	await run('cp', ['-a', join(template, 'data'), data]);
	await giveNewIdentity(data);
	return data;
}

async function initdb(folder: string, { serverFolder, password, auth, more, owner }: Initialised): Promise<void> {
	const passwordFile = join(folder, 'password');
	await writeFile(passwordFile, password, { mode: 0o600 });
	if (owner) await chown(passwordFile, owner.uid, owner.gid);
	const args = ['-D', join(folder, 'data'), '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', `--auth=${auth}`, `--pwfile=${passwordFile}`, '--no-sync', ...more];
	await run(join(serverFolder, 'initdb'), args, { cwd: folder, ...owner });
}

/** What differs between two data directories that initdb has made: the identifier at the start of `pg_control`, repeated in the first page of each WAL segment. */
async function giveNewIdentity(data: string): Promise<void> {
	const control = join(data, 'global', 'pg_control');
	const content = await readFile(control);
	const identifier = randomBytes(8);
	// As large as real ones, which begin with the seconds since 1970, and positive as a signed number.
	identifier.writeUInt8(0x60 | (identifier.readUInt8(7) & 0x0f), 7);
	const checksumAt = offsetOfChecksum(content);
	identifier.copy(content);
	content.writeInt32LE(~crc32c(CRC32C_START, content, 0, checksumAt), checksumAt);
	await overwrite(control, content, 0);
	const wal = join(data, 'pg_wal');
	for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await overwrite(join(wal, name), identifier, 24);
}

/** Where the checksum over all before it stands; the fields before it differ between versions. */
function offsetOfChecksum(control: Buffer): number {
	for (let at = 8; at + 4 <= control.length; at += 4) if (control.readInt32LE(at) === ~crc32c(CRC32C_START, control, 0, at)) return at;
	throw new Error('pg_control has no checksum.');
}

async function overwrite(file: string, bytes: Buffer, position: number): Promise<void> {
	const handle = await open(file, 'r+');
	try {
		await handle.write(bytes, 0, bytes.length, position);
	} finally {
		await handle.close();
	}
}
