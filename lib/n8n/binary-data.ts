import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Where n8n 2 keeps binary data below its data folder: the new place and the one of before. */
const PLACES = ['storage', 'binaryData'] as const;

/** n8n's folder of binary data; undefined where there is none (a new n8n, or one that keeps them elsewhere). */
export async function findBinaryData(dataFolder: string): Promise<{ readonly dataFolder: string; readonly name: string } | undefined> {
	for (const name of PLACES) {
		try {
			if ((await stat(join(dataFolder, name))).isDirectory()) return { dataFolder, name };
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		}
	}
	return undefined;
}

/** The folder as a tar archive, its own name in front of every entry. Files that vanish meanwhile (n8n prunes them) fail it. */
export async function archiveBinaryData(folder: { readonly dataFolder: string; readonly name: string }): Promise<{ bytes: AsyncIterable<Uint8Array>; files(): number }> {
	const tar = await import('tar');
	let files = 0;
	const pack = tar.create({ cwd: folder.dataFolder, portable: true, strict: true, filter: (_path, entry) => {
		if ('isFile' in entry && entry.isFile()) files += 1;
		return true;
	} }, [folder.name]);
	return { bytes: pack, files: () => files };
}
