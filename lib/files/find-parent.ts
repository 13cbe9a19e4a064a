import { join } from 'node:path';
import { requireSameKeys } from '../backup/artifact-keys';
import { secondOf } from '../catalog/backup-id';
import { readChain } from '../catalog/chain';
import type { Component } from '../catalog/component';
import { walkBackups } from '../catalog/list-backups';
import type { Manifest } from '../catalog/manifest';
import type { BackupSummary } from '../catalog/summary';
import type { JobContext } from '../core/context';
import { BackupError, toBackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { fetchIndex } from './stored-index';

export interface ParentSearch {
	readonly component: Component;
	readonly sourceName: string;
	/** So many incremental backups may follow a full one; the next is full again. */
	readonly mostIncrementals: number;
	/** What to do where there is no usable one. */
	readonly missingParent: 'full' | 'fail';
}

/** The backup that an incremental one builds on, its chain, and its index in the work folder. */
export interface Parent {
	readonly manifest: Manifest;
	readonly chain: readonly Manifest[];
	readonly indexFile: string;
}

/** A parent, or why the backup must be a full one. `expected`: as planned, nothing to warn of. */
export type ParentOrReason = { readonly parent: Parent } | { readonly parent?: undefined; readonly reason: string; readonly expected: boolean };

const ABOUT_THE_PARENT = ['CHAIN_INCOMPLETE', 'ARTIFACT_DAMAGED', 'ARCHIVE_REFUSED', 'KEY_MISSING', 'KEY_WRONG', 'MANIFEST_INVALID', 'MANIFEST_TOO_NEW', 'OBJECT_NOT_FOUND', 'BACKUP_NOT_FOUND'];

/** Ids tell times to the second only, so the newest of those within one second is the one that says so. */
async function newestBackup(store: Store, component: Component, sourceName: string): Promise<{ manifest: Manifest; summary: BackupSummary } | undefined> {
	let newest: { manifest: Manifest; summary: BackupSummary } | undefined;
	for await (const { manifest, summary } of walkBackups(store, { component, source: sourceName, kinds: ['full', 'incremental'] })) {
		if (!manifest || manifest.source.type !== 'files') continue;
		if (newest && secondOf(newest.manifest.id) !== secondOf(manifest.id)) break;
		if (!newest || manifest.startedAt > newest.manifest.startedAt) newest = { manifest, summary };
	}
	return newest;
}

/**
 * The newest backup of the source that an incremental one can build on. A damaged newest one is not passed over in silence: what is behind it
 * may be damaged as well, so a full backup is made, or the run fails, as chosen.
 */
export async function findParent(store: Store, search: ParentSearch, context: JobContext): Promise<ParentOrReason> {
	const { component, sourceName } = search;
	const newest = await newestBackup(store, component, sourceName);
	if (newest) {
		const { manifest, summary } = newest;
		try {
			if (summary.status === 'damaged') throw new BackupError('ARTIFACT_DAMAGED', `The newest backup, ${manifest.id}, is damaged. ${summary.problem ?? ''}`.trim(), 'Make a full backup.');
			const chain = await readChain(store, manifest);
			if (chain.length > search.mostIncrementals) {
				return { reason: `${chain.length - 1} incremental backups follow the full one, which is as many as may`, expected: true };
			}
			requireSameKeys(chain, context.keys);
			const indexFile = join(context.workFolder, 'parent-index.gz');
			await fetchIndex(store, manifest, indexFile, context);
			return { parent: { manifest, chain, indexFile } };
		} catch (error) {
			const problem = toBackupError(error);
			if (!ABOUT_THE_PARENT.includes(problem.code) || search.missingParent === 'fail') throw problem;
			return { reason: `${problem.message} ${problem.hint}`, expected: false };
		}
	}
	if (search.missingParent === 'fail') {
		throw new BackupError(
			'BACKUP_NOT_FOUND',
			`The store (${store.description}) holds no backup of ${JSON.stringify(sourceName)} (${component}) that an incremental one could build on.`,
			'Make a full backup first, or choose that a full one is made where there is none.',
		);
	}
	return { reason: 'there is no earlier backup of this folder', expected: true };
}
