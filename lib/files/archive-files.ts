import { realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import type { BackupDraft, DraftOutcome } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import { withChainInUse } from '../backup/use-chain';
import type { Component } from '../catalog/component';
import type { FilesDetails } from '../catalog/files-manifest';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { archiveInstructions } from './archive-instructions';
import { bytePath, isBelow, quotePath } from './byte-path';
import { candidates, ParentCursor } from './candidates';
import { DeletionList } from './deletion-list';
import { findParent, type Parent, type ParentOrReason } from './find-parent';
import { IndexWriter, unpack } from './index-spool';
import { readOwnerNames } from './owner-names';
import { type FileSource, realFiles } from './read-file';
import { type Selection, selection } from './selection';
import { ARCHIVE_ROLE, DELETED_ROLE, fetchedEntries, INDEX_ROLE } from './stored-index';
import { walk } from './walk';
import { type ArchiveCounts, ArchiveWriter } from './write-archive';

export interface ArchiveFilesOptions {
	readonly component: Component;
	/** Absolute. */
	readonly folder: string;
	/** `source.name`; empty: the folder's path. */
	readonly label: string;
	readonly mode: 'full' | 'incremental';
	readonly include: readonly string[];
	readonly exclude: readonly string[];
	readonly oneFileSystem: boolean;
	/** How often a file that changes while it is read is read again. */
	readonly retries: number;
	readonly unreadable: 'fail' | 'name';
	readonly compareContent: boolean;
	readonly mostIncrementals: number;
	readonly missingParent: 'full' | 'fail';
	readonly compressionLevel: number;
	readonly allowUnencrypted: boolean;
	readonly lockWaitSeconds: number;
	readonly note?: string;
	/** Folders that must not be archived into themselves: the store's, where it is one. */
	readonly ownFolders: readonly string[];
}

/**
 * Backs up a folder as a tar archive with an index of every file; an incremental backup carries only what changed since its parent, and its
 * index describes the whole folder all the same.
 */
export async function archiveFiles(options: ArchiveFilesOptions, store: Store, context: JobContext, source: FileSource = realFiles): Promise<Manifest> {
	const chosen = selection(options);
	const sourceName = options.label === '' ? options.folder : options.label;
	const found: ParentOrReason = options.mode === 'full' ? { reason: '', expected: true } : await findParent(store, { ...options, sourceName }, context);
	return await withChainInUse(store, context, found.parent?.chain ?? [], async (signal) =>
		publishBackup(
			{
				store,
				context: { ...context, signal },
				component: options.component,
				kind: found.parent ? 'incremental' : 'full',
				sourceName,
				lockWaitSeconds: options.lockWaitSeconds,
				encryptionPolicy: encryptionPolicy(options),
				...(options.note !== undefined && { note: options.note }),
			},
			async (draft) => {
				const folder = await usableFolder(options.folder);
				const guarded = await withoutOwnFolders(chosen, folder, [...options.ownFolders, context.workFolder]);
				if (!found.parent && options.mode === 'incremental') {
					const text = `A full backup was made instead of an incremental one: ${found.reason.replace(/\.$/, '')}.`;
					if (found.expected) context.progress({ step: text });
					else draft.warn(text);
				}
				return await writeDraft({ ...options, folder, sourceName, chosen: guarded, parent: found.parent, source }, draft, context);
			},
		),
	);
}

/** Configuration holds passwords and keys. */
function encryptionPolicy({ component, allowUnencrypted }: ArchiveFilesOptions) {
	if (component !== 'config') return 'optional';
	return allowUnencrypted ? 'waived' : 'required';
}

interface WriteOptions extends ArchiveFilesOptions {
	readonly sourceName: string;
	readonly chosen: Selection;
	readonly parent: Parent | undefined;
	readonly source: FileSource;
}

async function writeDraft(options: WriteOptions, draft: BackupDraft, context: JobContext): Promise<DraftOutcome> {
	const { parent, chosen, sourceName } = options;
	const folder = bytePath(options.folder);
	const secret = options.component === 'config';
	const compression = { algorithm: 'zstd', level: options.compressionLevel } as const;
	const indexFile = join(context.workFolder, 'index.gz');
	const deletedFile = join(context.workFolder, 'deleted.gz');
	const index = new IndexWriter(indexFile);
	const deletions = new DeletionList(deletedFile);
	const cursor = parent && new ParentCursor(fetchedEntries(parent.indexFile), async (entry) => await deletions.gone(entry));
	const writer = new ArchiveWriter({
		folder,
		source: options.source,
		compareContent: options.compareContent,
		retries: options.retries,
		unreadable: options.unreadable,
		signal: draft.signal,
		backupId: draft.id,
		owners: await readOwnerNames(),
		index,
		now: () => context.now(),
		onEntry: ({ files }) => context.progress({ step: `Archiving ${sourceName}`, done: files, unit: 'files', ...(parent?.manifest.files && { total: Math.max(files, parent.manifest.files.tree.files) }) }),
	});
	try {
		const walked = walk({ folder, selection: chosen, oneFileSystem: options.oneFileSystem, signal: draft.signal });
		const archive = await draft.writeArtifact(
			{ name: 'files.tar.zst', role: ARCHIVE_ROLE, mediaType: 'application/x-tar', compression, secret, ...expectedSize(parent) },
			writer.chunks(deletions.watch(candidates(walked, cursor))),
		);
		await index.close();
		const storedIndex = await draft.writeArtifact({ name: 'index.jsonl.zst', role: INDEX_ROLE, mediaType: 'application/jsonl', compression, secret }, unpack(indexFile));
		await deletions.close();
		const deleted = parent && (await draft.writeArtifact({ name: 'deleted.list.zst', role: DELETED_ROLE, mediaType: 'application/octet-stream', compression, secret }, unpack(deletedFile)));
		warn(draft, writer.counts);
		return {
			source: { type: 'files', name: sourceName, host: hostname(), folder: options.folder },
			parent: parent?.manifest.id ?? null,
			files: details(writer.counts, deletions.count, options),
			instructions: archiveInstructions({ id: draft.id, folder: options.folder, archive, index: storedIndex, deleted, chain: parent?.chain ?? [] }),
		};
	} finally {
		index.abandon();
		deletions.abandon();
		await cursor?.close();
	}
}

/** Without a better guess, an incremental archive is about as large as the last one was. */
function expectedSize(parent: Parent | undefined): { expectedBytes?: number } {
	const archive = parent?.manifest.kind === 'incremental' ? parent.manifest.artifacts.find(({ role }) => role === ARCHIVE_ROLE) : undefined;
	return archive ? { expectedBytes: archive.storedBytes } : {};
}

function details(counts: ArchiveCounts, deleted: number, { include, exclude }: ArchiveFilesOptions): FilesDetails {
	const { leftOut } = counts;
	return {
		tree: { files: counts.files, folders: counts.folders, links: counts.links, bytes: counts.bytes },
		carried: { files: counts.carriedFiles, bytes: counts.carriedBytes },
		deleted,
		inconsistent: counts.inconsistent,
		leftOut: {
			vanished: leftOut.vanished,
			unreadable: leftOut.unreadable,
			special: leftOut.socket + leftOut.pipe + leftOut.device,
			otherFilesystems: leftOut['other filesystem'],
		},
		selection: { include: [...include], exclude: [...exclude] },
	};
}

const WARNINGS = {
	inconsistent: 'changed while they were being read, and are kept as they were read',
	vanished: 'vanished before they could be read',
	unreadable: 'could not be read and are missing from this backup',
	socket: 'are sockets and were left out',
	pipe: 'are named pipes and were left out',
	device: 'are devices and were left out',
	'other filesystem': 'are folders on which another file system is mounted; what is in them was left out',
} as const;

function warn(draft: BackupDraft, counts: ArchiveCounts): void {
	for (const [reason, names] of counts.named) {
		const total = reason === 'inconsistent' ? counts.inconsistent : counts.leftOut[reason];
		const more = total > names.length ? `, and ${total - names.length} more (see the index)` : '';
		draft.warn(`${total} ${WARNINGS[reason]}: ${names.join(', ')}${more}.`);
	}
}

/** The folder with links followed, so that what was checked is what is read. */
async function usableFolder(folder: string): Promise<string> {
	try {
		const real = await realpath(folder);
		if ((await stat(real)).isDirectory()) return real;
	} catch (error) {
		throw folderMissing(folder, (error as NodeJS.ErrnoException).code ?? 'unknown reason', error);
	}
	throw folderMissing(folder, 'it is not a folder');
}

function folderMissing(folder: string, why: string, cause?: unknown): BackupError {
	return new BackupError(
		'FOLDER_NOT_FOUND',
		`The folder ${quotePath(bytePath(folder))} cannot be read (${why}).`,
		'See that it exists on the machine that runs the job (in queue mode: on every worker), that its volume is mounted, and that the user n8n runs as may enter it.',
		{ cause },
	);
}

/** An archive must not swallow the store that it is written into, nor the job's temporary files. */
async function withoutOwnFolders(chosen: Selection, folder: string, own: readonly string[]): Promise<Selection> {
	const inside: string[] = [];
	for (const path of own) {
		const way = relative(folder, await realOrSame(path));
		if (way === '') throw new BackupError('INVALID_INPUT', `The folder ${folder} is the one that backups are written to.`, 'Choose the folder that is to be backed up.');
		if (way !== '..' && !way.startsWith('../') && !isAbsolute(way)) inside.push(bytePath(way));
	}
	if (inside.length === 0) return chosen;
	return { ...chosen, everything: false, excludes: (path) => inside.some((each) => path === each || isBelow(path, each)) || chosen.excludes(path) };
}

async function realOrSame(path: string): Promise<string> {
	try {
		return await realpath(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
		throw error;
	}
}
