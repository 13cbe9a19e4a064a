import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` of a Unix socket's address takes 108 bytes, and the socket's own name is `.s.PGSQL.5432.lock` at its longest. */
const LONGEST_FOLDER = 107 - '/.s.PGSQL.65535'.length;

/** Where the socket of a recovered server lies: in the recovery folder, or where that one's path is too long for a socket, in one of its own. */
export async function shortSocketFolder(folder: string): Promise<string> {
	const inside = join(folder, 'socket');
	return Buffer.byteLength(inside) <= LONGEST_FOLDER ? inside : await mkdtemp(join(tmpdir(), 'backup-recovery-socket-'));
}
