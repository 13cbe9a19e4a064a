import { rm } from 'node:fs/promises';
import { SHARED_FOLDER } from './once-a-run';

export default async function removeSharedFolder(): Promise<void> {
	const folder = process.env[SHARED_FOLDER];
	if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
