import type { BigIntStats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { BackupError, throwIfAborted } from '../../core/errors';
import { type BytePath, quotePath } from '../byte-path';
import { nanoseconds } from '../file-time';
import type { IndexEntry } from '../index-entry';
import { digestFile, realFiles } from '../read-file';
import type { Attributes } from './attributes';
import { MarkReader } from './path-marks';
import type { FilesPlan } from './plan-files';
import { destination, type RestoreSession, wantedEntries } from './session';

export interface FolderComparison {
	/** Files whose contents were read again and are those of the index. */
	readonly files: number;
	readonly bytes: number;
	/** Folders and links. */
	readonly others: number;
	/** Files that the job's user may not read again: their contents were compared while they were written. */
	readonly unreadable: number;
}

const MOST_NAMED = 20;
/** `utimes` takes floating-point seconds. */
const TIME_TOLERANCE_NS = 1_000n;

/**
 * Reads everything that was restored again and compares it with the index: types, contents, link targets, modes, times.
 * @throws BackupError `PROOF_MISMATCH` naming what differs
 */
export async function compareFolder(session: RestoreSession, plan: FilesPlan, attributes: Attributes): Promise<FolderComparison> {
	const marks = new MarkReader(session.marksFile);
	const comparison = { files: 0, bytes: 0, others: 0, unreadable: 0 };
	const different: string[] = [];
	let count = 0;
	try {
		for await (const entry of wantedEntries(session)) {
			throwIfAborted(session.context.signal);
			const mark = await marks.of(entry.path);
			if (mark === 'kept') continue;
			const difference = await differenceOf(session, plan, attributes, entry, comparison, mark === 'same' && session.overwrite !== 'always');
			if (difference === undefined) continue;
			count += 1;
			if (different.length < MOST_NAMED) different.push(`${quotePath(entry.path)} (${difference})`);
		}
	} finally {
		await marks.close();
	}
	if (count === 0) return comparison;
	const more = count > different.length ? `, and ${count - different.length} more` : '';
	throw new BackupError(
		'PROOF_MISMATCH',
		`What was restored differs from the index of the backup: ${different.join(', ')}${more}.`,
		'If something else writes to the folder, stop it and restore again. Otherwise do not trust this disk: restore to another one.',
	);
}

async function differenceOf(
	session: RestoreSession,
	plan: FilesPlan,
	attributes: Attributes,
	entry: IndexEntry,
	comparison: { files: number; bytes: number; others: number; unreadable: number },
	contentOnly: boolean,
): Promise<string | undefined> {
	const { target, context } = session;
	const place = destination(session, entry);
	const stats = await target.look(place);
	if (!stats) return 'missing';
	switch (entry.type) {
		case 'directory':
			comparison.others += 1;
			return stats.isDirectory() ? attributeDifference(entry, stats, attributes) : 'no folder';
		case 'symlink':
			comparison.others += 1;
			if (!stats.isSymbolicLink()) return 'no symbolic link';
			return (await readlink(await target.place(place), { encoding: 'latin1' })) === entry.target ? undefined : 'another link target';
		case 'hardlink': {
			comparison.others += 1;
			if (plan.substitutes.get(entry.target)?.path === entry.path) return stats.isFile() && stats.size === BigInt(entry.size) ? undefined : 'another size';
			const source: BytePath = plan.linkSources.get(entry.path) ?? entry.target;
			const first = await target.look(destination(session, { path: source, type: 'file' }));
			return first?.ino === stats.ino && first.dev === stats.dev ? undefined : `no further name of ${quotePath(source)}`;
		}
		case 'file': {
			if (!stats.isFile()) return 'no file';
			if (stats.size !== BigInt(entry.size)) return `${stats.size} bytes instead of ${entry.size}`;
			try {
				const digest = await digestFile(realFiles, target.root, place, context.signal);
				if (digest?.sha256 !== entry.sha256) return digest ? 'other content' : 'changed while it was compared';
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
				comparison.unreadable += 1;
			}
			comparison.files += 1;
			comparison.bytes += entry.size;
			return contentOnly ? undefined : attributeDifference(entry, stats, attributes);
		}
	}
}

function attributeDifference(entry: IndexEntry, stats: BigIntStats, attributes: Attributes): string | undefined {
	const { uid, gid } = attributes.wanted(entry);
	const owned = stats.uid === BigInt(uid) && stats.gid === BigInt(gid);
	if (!owned && attributes.ownersNotSet === 0) return `owner ${stats.uid}:${stats.gid} instead of ${uid}:${gid}`;
	const mode = Number(stats.mode & 0o7777n);
	if ((mode & 0o1777) !== (entry.mode & 0o1777)) return `mode ${mode.toString(8)} instead of ${entry.mode.toString(8)}`;
	const time = nanoseconds(entry.mtime) ?? 0n;
	const off = stats.mtimeNs - time;
	return off > TIME_TOLERANCE_NS || off < -TIME_TOLERANCE_NS ? 'another time of change' : undefined;
}
