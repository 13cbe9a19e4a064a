import { stat } from 'node:fs/promises';
import type { Manifest } from '../../catalog/manifest';
import { freeBytesOf } from './dump-files';
import type { RestoreCheck } from '../../core/steps';
import type { TargetServer } from './target-server';

/** Space that must stay free besides what is needed. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** Room for temporary files here, and on the server's disk where it can be seen. */
export async function checkSpace(input: {
	readonly manifest: Manifest;
	readonly server: Pick<TargetServer, 'localDataFolder'>;
	readonly workFolder: string;
	readonly temporaryBytes: number;
}): Promise<RestoreCheck[]> {
	return [await checkTemporarySpace(input.workFolder, input.temporaryBytes), await checkServerSpace(input.manifest, input.server)];
}

async function checkTemporarySpace(folder: string, needed: number): Promise<RestoreCheck> {
	const check = 'Temporary space';
	if (needed === 0) return { check, state: 'passed', detail: 'None is needed: the dump is streamed.' };
	const free = await freeBytesOf(folder);
	if (free >= needed + SPARE_BYTES) return { check, state: 'passed', detail: `${megabytes(needed)} are needed, ${megabytes(free)} are free.` };
	return {
		check,
		state: 'failed',
		code: 'NO_SPACE',
		detail: `The dump must be unpacked to ${megabytes(needed)}, and only ${megabytes(free)} are free for temporary files.`,
		hint: 'Make room, set BACKUP_RECOVERY_TEMP to a folder on a larger disk, or restore a dump in custom format with one parallel job, which needs none.',
	};
}

async function checkServerSpace(manifest: Manifest, server: Pick<TargetServer, 'localDataFolder'>): Promise<RestoreCheck> {
	const check = "Space on the server's disk";
	const needed = manifest.postgres?.settings?.databaseBytes ?? manifest.sourceBytes;
	const free = server.localDataFolder === undefined ? undefined : await freeBytesIfThere(server.localDataFolder);
	if (free === undefined) return { check, state: 'warning', detail: `It cannot be seen from here. The restored database takes about ${megabytes(needed)}.` };
	if (free >= needed + SPARE_BYTES) return { check, state: 'passed', detail: `About ${megabytes(needed)} are needed, ${megabytes(free)} are free.` };
	return {
		check,
		state: 'failed',
		code: 'NO_SPACE',
		detail: `The restored database takes about ${megabytes(needed)}, and only ${megabytes(free)} are free on the disk of the server's data folder.`,
		hint: "Make room on the server's disk (a database kept from an earlier swap can be removed with Drop Previous), then restore again.",
	};
}

/** A server that answers from the loopback address may still run in a container of its own: then its folder is not here. */
async function freeBytesIfThere(folder: string): Promise<number | undefined> {
	try {
		await stat(folder);
		return await freeBytesOf(folder);
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined;
		throw error;
	}
}

export function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
