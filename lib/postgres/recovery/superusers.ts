import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** https://www.postgresql.org/docs/current/storage-page-layout.html and src/backend/utils/cache/relmapper.c */
const MAP_MAGIC = 0x592717;
const PG_AUTHID = 1260;
const BOOTSTRAP_OID = 10;
const PAGE_HEADER = 24;
const NAME_BYTES = 64;

/**
 * Names of superusers in a data directory whose server does not run yet, the one that initdb made first. A server calls it as it likes (the docker
 * image: `POSTGRES_USER`), and nobody can ask before connecting. Read from the table's file as the backup holds it, which may be a little
 * older than what the server will know: they are names to try, in this order.
 */
export async function superuserNames(dataFolder: string, blockBytes: number): Promise<string[]> {
	const table = await readFile(join(dataFolder, 'global', String(await fileOfRoles(dataFolder)))).catch(ifMissing);
	const found: { readonly oid: number; readonly name: string }[] = [];
	for (let at = 0; table !== undefined && at + blockBytes <= table.length; at += blockBytes) {
		for (const tuple of tuplesOf(table.subarray(at, at + blockBytes))) {
			// Columns: oid, rolname (64 bytes), rolsuper, …
			if (tuple.length < 4 + NAME_BYTES + 1 || tuple.readUInt8(4 + NAME_BYTES) !== 1) continue;
			const name = tuple.subarray(4, 4 + NAME_BYTES);
			found.push({ oid: tuple.readUInt32LE(0), name: name.subarray(0, Math.max(0, name.indexOf(0))).toString('utf8') });
		}
	}
	found.sort((a, b) => Number(b.oid === BOOTSTRAP_OID) - Number(a.oid === BOOTSTRAP_OID));
	return [...new Set([...found.map(({ name }) => name).filter((name) => name !== ''), 'postgres'])];
}

/** VACUUM FULL gives the table another file; the map says which. */
async function fileOfRoles(dataFolder: string): Promise<number> {
	const map = await readFile(join(dataFolder, 'global', 'pg_filenode.map')).catch(ifMissing);
	if (map === undefined || map.length < 8 || map.readInt32LE(0) !== MAP_MAGIC) return PG_AUTHID;
	const count = Math.min(map.readInt32LE(4), Math.floor((map.length - 8) / 8));
	for (let entry = 0; entry < count; entry++) if (map.readUInt32LE(8 + entry * 8) === PG_AUTHID) return map.readUInt32LE(12 + entry * 8);
	return PG_AUTHID;
}

/** The user data of every tuple that a line pointer leads to, dead ones too. */
function* tuplesOf(page: Buffer): Generator<Buffer, void, void> {
	const lower = Math.min(page.readUInt16LE(12), page.length);
	for (let at = PAGE_HEADER; at + 4 <= lower; at += 4) {
		const pointer = page.readUInt32LE(at);
		const offset = pointer & 0x7fff;
		const state = (pointer >>> 15) & 3;
		const length = pointer >>> 17;
		if (state !== 1 || length < PAGE_HEADER || offset + length > page.length) continue;
		const tuple = page.subarray(offset, offset + length);
		yield tuple.subarray(tuple.readUInt8(22));
	}
}

function ifMissing(error: unknown): undefined {
	if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
	throw error;
}
