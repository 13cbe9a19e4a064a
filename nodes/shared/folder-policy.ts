import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { BackupError } from '../../lib/core/errors';
import type { FilePolicy } from './file-policy';
import { wrong } from './parameters';

/**
 * A folder that a job may read or write, when n8n's file policy allows it: with symbolic links followed as far as it exists, so that what
 * was checked is what is used.
 * @throws BackupError `PATH_REFUSED` naming the variable that would allow it, `INVALID_INPUT` for a path that is not absolute
 */
export async function allowedFolder(path: string, label: string, policy: FilePolicy): Promise<string> {
	if (!isAbsolute(path)) throw wrong(label, 'is not an absolute path', 'Start it with a slash, e.g. /app/uploads.');
	const plain = normalize(path).replace(/(?<=.)\/+$/, '');
	const resolved = await resolveExisting(plain, policy);
	if (!(await policy.isBlocked(resolved))) return resolved;
	throw new BackupError(
		'PATH_REFUSED',
		`n8n's file policy does not let nodes use the folder ${plain}${resolved === plain ? '' : ` (${resolved})`}.`,
		'Add the folder to the environment variable N8N_RESTRICT_FILE_ACCESS_TO of n8n (several are separated by ";") and restart n8n. ' +
			"n8n's own folder stays closed whatever the variable says.",
	);
}

async function resolveExisting(path: string, policy: FilePolicy): Promise<string> {
	for (let existing = path; ; existing = dirname(existing)) {
		try {
			return join(await policy.resolvePath(existing), relative(existing, path));
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code;
			if ((code === 'ENOENT' || code === 'ENOTDIR') && dirname(existing) !== existing) continue;
			throw new BackupError(
				'FOLDER_NOT_FOUND',
				`The folder ${path} cannot be reached (${code ?? 'unknown reason'}).`,
				'See that it exists on the machine that runs n8n (in queue mode: on every worker) and that the user n8n runs as may enter it.',
				{ cause: error },
			);
		}
	}
}
