import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';

/** What n8n lets nodes touch on disk: the two helpers of its execution contexts. */
export interface FilePolicy {
	/** Rejects when neither the path nor its parent exists. */
	resolvePath(path: string): Promise<string>;
	isBlocked(resolvedPath: string): boolean | Promise<boolean>;
}

/**
 * n8n's policy read from its documented variables, for the contexts in which n8n offers no helpers (drop-downs and connection tests):
 * https://docs.n8n.io/hosting/configuration/environment-variables/security/
 */
export function environmentPolicy(environment: NodeJS.ProcessEnv): FilePolicy {
	const read = (name: string): string | undefined => {
		if (environment[name] !== undefined) return environment[name];
		const file = environment[`${name}_FILE`];
		return file === undefined || file === '' ? undefined : readFileSync(file, 'utf8').trim();
	};
	const allowed = (read('N8N_RESTRICT_FILE_ACCESS_TO') ?? '~/.n8n-files')
		.split(';')
		.map((path) => path.trim())
		.filter((path) => path !== '')
		.map((path) => (path.startsWith('~') ? path.replace('~', homedir()) : path));
	const own = join(environment.N8N_USER_FOLDER ?? homedir(), '.n8n');
	const blocksOwn = read('N8N_BLOCK_FILE_ACCESS_TO_N8N_FILES') !== 'false';

	return {
		resolvePath: (path) => realpath(path),
		isBlocked: (path) => {
			if (blocksOwn && contains(own, path)) return true;
			return allowed.length > 0 && !allowed.some((folder) => contains(folder, path));
		},
	};
}

function contains(folder: string, path: string): boolean {
	const way = relative(folder, path);
	return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith('../'));
}
