import { readdir, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { checkKeys } from '../../backup/check-keys';
import type { Manifest } from '../../catalog/manifest';
import type { JobContext } from '../../core/context';
import { BackupError } from '../../core/errors';
import type { RestoreCheck } from '../../core/steps';
import { formatLsn, parseLsn } from '../replication/lsn';
import { serverAccount } from './account';
import { baseDetails } from '../wal/covered-window';
import type { ChosenBase } from './choose-base';
import type { RecoverOptions } from './options';
import { findServer } from './server-programs';

export interface CheckRequest extends RecoverOptions, ChosenBase {
	readonly chain: readonly Manifest[];
	readonly major: number;
}

/** Everything that can be wrong and can be known before the first byte is read. */
export async function checkRecovery(request: CheckRequest, context: JobContext): Promise<RestoreCheck[]> {
	const { store, chain, destination } = request;
	const keys = await Promise.all(chain.map(async (manifest) => await checkKeys(store, manifest, context)));
	return [
		windowCheck(request),
		...keys.flat(),
		await folderCheck(request.folder),
		await spaceCheck(request),
		...(destination.mode === 'startHere' ? [await serverCheck(request, destination.serverFolder, context), await accountCheck(request.folder)] : []),
	];
}

function windowCheck({ wal, found }: CheckRequest): RestoreCheck {
	const { window } = wal;
	return {
		check: 'Window',
		state: 'passed',
		detail: `From ${found.manifest.id} on, ${window.from} to ${window.to ?? 'an unknown time'} can be recovered (${window.fromLsn} to ${formatLsn(parseLsn(window.toLsn))}); there ${window.ends}.`,
	};
}

async function folderCheck(folder: string): Promise<RestoreCheck> {
	const check = 'Recovery folder';
	if (!isAbsolute(folder)) return { check, state: 'failed', code: 'INVALID_INPUT', detail: `${folder} is not an absolute path.`, hint: 'Start it with a slash.' };
	const names = await readdir(folder).catch((error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown reason');
	if (names === 'ENOENT') return { check, state: 'passed', detail: `${folder} will be created.` };
	if (typeof names === 'string') return { check, state: 'failed', code: 'FOLDER_NOT_FOUND', detail: `${folder} cannot be read (${names}).`, hint: 'Choose a folder that the job may create and write.' };
	if (names.length > 0) return { check, state: 'failed', code: 'FOLDER_NOT_EMPTY', detail: `${folder} holds ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}.`, hint: 'Choose one that does not exist yet or is empty; after a recovery, "Stop Recovered Server" can remove it.' };
	return { check, state: 'passed', detail: `${folder} is empty.` };
}

async function spaceCheck({ folder, chain, records }: CheckRequest): Promise<RestoreCheck> {
	const check = 'Space';
	const segments = new Set(records.filter(({ content }) => content !== 'history').map(({ file }) => file)).size;
	// Incremental backups are written over the full one, so its size and theirs are the most that it can become.
	const needed = chain.reduce((sum, member) => sum + baseDetails(member).files.bytes, 0) + segments * (records[0]?.segmentBytes ?? 0);
	const { bavail, bsize } = await statfs(await existing(folder));
	const free = bavail * bsize;
	if (free >= needed) return { check, state: 'passed', detail: `About ${needed} bytes are needed, ${free} are free.` };
	return { check, state: 'failed', code: 'NO_SPACE', detail: `About ${needed} bytes are needed in ${folder}, and ${free} are free.`, hint: 'Choose a folder on a larger disk, or a base backup nearer to the target.' };
}

async function existing(folder: string): Promise<string> {
	for (let path = folder; ; path = dirname(path)) {
		const found = await stat(path).catch(() => undefined);
		if (found !== undefined || dirname(path) === path) return path;
	}
}

async function serverCheck({ major }: CheckRequest, serverFolder: string, { signal }: JobContext): Promise<RestoreCheck> {
	return await asCheck('PostgreSQL server', async () => {
		const { path, version } = await findServer(major, serverFolder, signal);
		return `${path} (${version})`;
	});
}

async function accountCheck(folder: string): Promise<RestoreCheck> {
	return await asCheck("The server's user", async () => {
		const account = await serverAccount();
		if (account === undefined) return "The server runs as the job's own user.";
		for (let path = await existing(folder); dirname(path) !== path; path = dirname(path)) {
			const { mode, uid, gid } = await stat(path);
			// The folder itself becomes the server's.
			if (path === folder || (mode & 0o001) !== 0 || uid === account.uid || (gid === account.gid && (mode & 0o010) !== 0)) continue;
			throw new BackupError('PERMISSION_DENIED', `The server runs as "${account.name}", who may not pass through ${path}.`, 'Choose a recovery folder whose parent folders everybody may pass through, e.g. under /var/lib.');
		}
		return `The server runs as "${account.name}".`;
	});
}

async function asCheck(check: string, body: () => Promise<string>): Promise<RestoreCheck> {
	try {
		return { check, state: 'passed', detail: await body() };
	} catch (error) {
		if (error instanceof BackupError && error.code !== 'CANCELLED') return { check, state: 'failed', code: error.code, detail: error.message, hint: error.hint };
		throw error;
	}
}
