import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The version of the n8n whose program (`…/n8n/bin/n8n`) this is; "unknown" where that cannot be told. */
export async function readProgramVersion(program: string): Promise<string> {
	if (program === '') return 'unknown';
	try {
		const file = join(dirname(await realpath(program)), '..', 'package.json');
		const { name, version } = JSON.parse(await readFile(file, 'utf8')) as { name?: unknown; version?: unknown };
		return name === 'n8n' && typeof version === 'string' ? version : 'unknown';
	} catch {
		// Only for people to read: the migrations say what a restore needs to know.
		return 'unknown';
	}
}

/** The list of what n8n has installed from npm, as npm keeps it; undefined where nothing is installed. */
export async function readNodesPackage(dataFolder: string): Promise<string | undefined> {
	try {
		return await readFile(join(dataFolder, 'nodes', 'package.json'), 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}
