import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { BackupKind, Component } from './component';
import { listBackups, readSummary, walkBackups } from './list-backups';
import type { Manifest } from './manifest';
import { readManifest } from './read-manifest';
import type { BackupSummary } from './summary';

/** Same shape as the jobs' `backupChoiceSchema`. */
export type BackupChoice =
	| { readonly by: 'id'; readonly id: string }
	| { readonly by: 'latest'; readonly source?: string }
	| { readonly by: 'latestVerified'; readonly source?: string };

export interface FindOptions {
	readonly component: Component;
	/** Which kinds will do; all when left out. */
	readonly kinds?: readonly BackupKind[];
	readonly choice: BackupChoice;
}

export interface FoundBackup {
	readonly manifest: Manifest;
	readonly summary: BackupSummary;
}

/**
 * The backup that a person or a schedule chose. `latest` and `latestVerified` pass over damaged ones.
 * @throws BackupError `BACKUP_NOT_FOUND` naming what was looked for and what there is; `MANIFEST_*` for a chosen id whose manifest is unusable
 */
export async function findBackup(store: Store, options: FindOptions): Promise<FoundBackup> {
	switch (options.choice.by) {
		case 'id':
			return await findById(store, options, options.choice.id);
		case 'latest':
			return await findNewest(store, options, options.choice.source, () => true);
		case 'latestVerified':
			return await findNewest(store, options, options.choice.source, (summary) => summary.verified !== null);
	}
}

async function findById(store: Store, options: FindOptions, id: string): Promise<FoundBackup> {
	const manifest = await readManifest(store, options.component, id);
	if (!manifest) throw await notFound(store, options, `backup ${id}`);
	if (options.kinds && !options.kinds.includes(manifest.kind)) {
		throw await notFound(store, options, `backup ${id} as one of kind ${options.kinds.join(' or ')} (it is of kind ${manifest.kind})`);
	}
	return { manifest, summary: await readSummary(store, manifest) };
}

async function findNewest(
	store: Store,
	options: FindOptions,
	source: string | undefined,
	accept: (summary: BackupSummary) => boolean,
): Promise<FoundBackup> {
	for await (const { manifest, summary } of walkBackups(store, { component: options.component, kinds: options.kinds, source })) {
		if (manifest && summary.status === 'success' && accept(summary)) return { manifest, summary };
	}
	const quality = options.choice.by === 'latestVerified' ? 'verified, undamaged' : 'undamaged';
	const kind = options.kinds ? ` of kind ${options.kinds.join(' or ')}` : '';
	throw await notFound(store, options, `any ${quality} backup${kind}${source === undefined ? '' : ` of ${JSON.stringify(source)}`}`);
}

async function notFound(store: Store, options: FindOptions, what: string): Promise<BackupError> {
	const existing = await listBackups(store, { component: options.component, limit: 5 });
	const there =
		existing.length === 0
			? `There is no backup of ${options.component} at all.`
			: `The newest backups of ${options.component} there are: ${existing.map(describe).join('; ')}.`;
	return new BackupError(
		'BACKUP_NOT_FOUND',
		`The store (${store.description}) does not hold ${what}. ${there}`,
		'Choose one of those that exist, or check that the store credential points to the right place.',
	);
}

function describe(summary: BackupSummary): string {
	const state = summary.status === 'damaged' ? 'damaged' : summary.verified ? `verified: ${summary.verified.level}` : 'not verified';
	return `${summary.id} (${summary.source === '' ? 'unknown source' : summary.source}, ${state})`;
}
