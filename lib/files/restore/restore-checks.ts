import { lstat, readdir, realpath, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { BackupError } from '../../core/errors';
import type { RestoreCheck } from '../../core/steps';
import type { RestoreFilesOptions } from './options';
import type { FilesPlan } from './plan-files';

/** Space that must stay free besides what is needed. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** The target as it is before anything is done. */
export interface FoundTarget {
	/** With links followed, as far as it exists. */
	readonly folder: string;
	readonly state: 'absent' | 'empty' | 'filled';
}

/** @throws BackupError `FOLDER_NOT_FOUND` when it cannot be used at all */
export async function findTarget({ folder, mode }: Pick<RestoreFilesOptions, 'folder' | 'mode'>): Promise<FoundTarget> {
	try {
		const real = await realpath(folder);
		const names = await readdir(real);
		return { folder: real, state: names.length === 0 ? 'empty' : 'filled' };
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
		if (code !== 'ENOENT' || mode === 'inPlace') throw unusable(folder, code, error);
	}
	try {
		const parent = await realpath(dirname(folder));
		return { folder: parent === '/' ? `/${basename(folder)}` : `${parent}/${basename(folder)}`, state: 'absent' };
	} catch (error) {
		throw unusable(dirname(folder), (error as NodeJS.ErrnoException).code ?? 'unknown reason', error);
	}
}

function unusable(folder: string, why: string, cause: unknown): BackupError {
	return new BackupError(
		'FOLDER_NOT_FOUND',
		`The folder ${JSON.stringify(folder)} cannot be restored to (${why}).`,
		'It must exist, be a folder, and the user that runs the job must be able to read and change it. To restore beside, the folder above it must exist.',
		{ cause },
	);
}

/** Whether the file system of the target tells `a` from `A`; found out without writing: a name in the other case leads to the same thing or not. */
export async function tellsCase({ folder, state }: FoundTarget): Promise<boolean> {
	const existing = state === 'absent' ? dirname(folder) : folder;
	const name = basename(existing);
	const swapped = name.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));
	if (swapped === name) return true;
	try {
		const [one, other] = await Promise.all([lstat(existing, { bigint: true }), lstat(`${dirname(existing)}/${swapped}`, { bigint: true })]);
		return one.ino !== other.ino || one.dev !== other.dev;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
		throw error;
	}
}

/** What must hold before the first byte is written. */
export async function restoreChecks(options: RestoreFilesOptions, target: FoundTarget, plan: FilesPlan): Promise<RestoreCheck[]> {
	return [checkTarget(options, target), checkConflicts(plan), await checkSpace(target, plan), ...(options.mode === 'inPlace' ? [checkConfirmation(options)] : [])];
}

function checkTarget(options: RestoreFilesOptions, { folder, state }: FoundTarget): RestoreCheck {
	const check = 'Target folder';
	if (options.mode === 'inPlace') return { check, state: 'passed', detail: `${folder} exists.` };
	if (state !== 'filled') return { check, state: 'passed', detail: state === 'absent' ? `${folder} will be made.` : `${folder} is empty.` };
	return {
		check,
		state: 'failed',
		code: 'FOLDER_NOT_EMPTY',
		detail: `${folder} is not empty.`,
		hint: 'Name a folder that does not exist yet, or choose to restore in place.',
	};
}

function checkConflicts({ conflicts }: FilesPlan): RestoreCheck {
	const check = 'Conflicts';
	if (conflicts.length === 0) return { check, state: 'passed', detail: 'Nothing is in the way.' };
	return {
		check,
		state: 'failed',
		code: 'PATH_REFUSED',
		detail: conflicts.join('; '),
		hint: 'Move these away, choose the policy "always" (what is replaced is kept), or restore into a new folder.',
	};
}

async function checkSpace({ folder, state }: FoundTarget, { bytes }: FilesPlan): Promise<RestoreCheck> {
	const check = 'Free space';
	const { bavail, bsize } = await statfs(state === 'absent' ? dirname(folder) : folder);
	const free = bavail * bsize;
	const detail = `${bytes} bytes are needed, ${free} are free.`;
	if (free >= bytes + SPARE_BYTES) return { check, state: 'passed', detail };
	return { check, state: 'failed', code: 'NO_SPACE', detail, hint: 'Make room, or restore to a larger disk, or choose fewer files by patterns.' };
}

function checkConfirmation({ folder, confirmation, dryRun }: RestoreFilesOptions): RestoreCheck {
	const check = 'Confirmation';
	const name = basename(folder);
	if (confirmation === name || confirmation === folder) return { check, state: 'passed', detail: 'The name of the folder was typed.' };
	const detail = `The name of the folder, ${JSON.stringify(name)}, must be typed to restore in place.`;
	if (dryRun) return { check, state: 'warning', detail };
	return { check, state: 'failed', code: 'NOT_CONFIRMED', detail, hint: `Give "${name}" as confirmation if this is the folder you mean. Nothing was changed.` };
}
