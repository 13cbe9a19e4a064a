import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { BackupError } from '../../lib/core/errors';
import type { StoreLocation } from '../../lib/storage/location';
import type { FilePolicy } from './file-policy';
import { wrong } from './parameters';

/**
 * The store, when n8n's file policy allows it: its folder with symbolic links followed, so that what was checked is what is used.
 * @throws BackupError `PATH_REFUSED` naming the variable that would allow it, `INVALID_INPUT` for a path that is not absolute
 */
export async function allowedStore(store: StoreLocation, policy: FilePolicy): Promise<StoreLocation> {
	// n8n's policy is about its own disk.
	if (store.type !== 'folder') return store;
	if (!isAbsolute(store.path)) {
		throw wrong('Folder of the store credential', 'is not an absolute path', 'Start it with a slash, e.g. /backups.');
	}
	const path = await resolveExisting(normalize(store.path), policy);
	const full = await resolveExisting(join(path, store.prefix), policy);
	if (await policy.isBlocked(full)) throw blocked(store.path, full);
	return { type: 'folder', path, prefix: store.prefix };
}

/** Follows links in as much of the path as exists; the rest is kept as it is. */
async function resolveExisting(path: string, policy: FilePolicy): Promise<string> {
	let existing = path;
	for (;;) {
		try {
			return join(await policy.resolvePath(existing), relative(existing, path));
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code;
			const parent = dirname(existing);
			if ((code !== 'ENOENT' && code !== 'ENOTDIR') || parent === existing) {
				throw new BackupError(
					'STORE_UNAVAILABLE',
					`The store's folder ${path} cannot be reached (${code ?? 'unknown reason'}).`,
					'See that the folder exists on the machine that runs n8n and that the user n8n runs as may enter it.',
					{ cause: error },
				);
			}
			existing = parent;
		}
	}
}

function blocked(path: string, resolved: string): BackupError {
	return new BackupError(
		'PATH_REFUSED',
		`n8n's file policy does not let nodes use the store's folder ${path}${resolved === path ? '' : ` (${resolved})`}.`,
		'Add the folder to the environment variable N8N_RESTRICT_FILE_ACCESS_TO of n8n (several are separated by ";") and restart n8n. ' +
			"n8n's own folder stays closed whatever the variable says.",
	);
}
