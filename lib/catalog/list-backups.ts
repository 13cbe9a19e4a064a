import type { Store } from '../storage/store';
import { readBackupId } from './backup-id';
import { type BackupKind, type Component, COMPONENTS } from './component';
import { readCopies } from './copies';
import { componentFolder } from './layout';
import type { Manifest } from './manifest';
import { isManifestError, readManifest } from './read-manifest';
import { findVerification } from './read-verification';
import { summarize, summarizeUnreadable } from './summarize';
import type { BackupSummary } from './summary';

export interface BackupFilter {
	readonly component?: Component;
	readonly kinds?: readonly BackupKind[];
	/** `source.name` of the manifest. Backups whose manifest cannot be read have none and are left out. */
	readonly source?: string;
	/** The newest so many. */
	readonly limit?: number;
}

/** A published backup; `manifest` is missing when it cannot be read. */
export interface CatalogEntry {
	readonly summary: BackupSummary;
	readonly manifest?: Manifest;
}

/** Reads at once; enough to hide a bucket's latency. */
const PARALLEL = 16;

/**
 * The published backups, newest first. One whose manifest is broken or too new is listed as damaged;
 * an error of the store itself is thrown, because half a list would be taken for the whole.
 */
export async function listBackups(store: Store, filter: BackupFilter = {}): Promise<BackupSummary[]> {
	const found: BackupSummary[] = [];
	for await (const { summary } of walkBackups(store, filter)) {
		found.push(summary);
		if (filter.limit !== undefined && found.length >= filter.limit) break;
	}
	return found;
}

/** The same one by one, with the manifests. */
export async function* walkBackups(store: Store, filter: Omit<BackupFilter, 'limit'> = {}): AsyncGenerator<CatalogEntry, void, void> {
	const places = await backupPlaces(store, filter.component);
	const wanted = places.filter(({ id }) => {
		const kind = readBackupId(id)?.kind;
		return !filter.kinds || kind === undefined || filter.kinds.includes(kind);
	});
	for (let at = 0; at < wanted.length; at += PARALLEL) {
		const entries = await Promise.all(wanted.slice(at, at + PARALLEL).map((place) => readEntry(store, place)));
		for (const entry of entries) if (entry && matches(entry.summary, filter)) yield entry;
	}
}

/** Reads one backup; `undefined` when it is not published. */
export async function readEntry(store: Store, place: { readonly component: Component; readonly id: string }): Promise<CatalogEntry | undefined> {
	let manifest: Manifest | undefined;
	try {
		manifest = await readManifest(store, place.component, place.id);
	} catch (error) {
		if (!isManifestError(error)) throw error;
		return { summary: summarizeUnreadable(place.id, place.component, error, store.description) };
	}
	if (!manifest) return undefined;
	return { manifest, summary: await readSummary(store, manifest) };
}

/** What the store knows of a published backup: its manifest, the checks made since, and where its copies are. */
export async function readSummary(store: Store, manifest: Manifest): Promise<BackupSummary> {
	const [{ verification, unreadable }, copies] = await Promise.all([
		findVerification(store, manifest.component, manifest.id),
		readCopies(store, manifest.component, manifest.id),
	]);
	const summary = summarize(manifest, verification, store.description, copies);
	return unreadable ? { ...summary, checksUnreadable: true } : summary;
}

async function backupPlaces(store: Store, component: Component | undefined) {
	const components = component === undefined ? COMPONENTS : [component];
	const places = await Promise.all(
		components.map(async (name) => {
			const folders = await store.listFolders(componentFolder(name));
			return folders.filter((id) => readBackupId(id) !== undefined).map((id) => ({ component: name, id }));
		}),
	);
	return places.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
}

function matches(summary: BackupSummary, filter: BackupFilter): boolean {
	if (filter.kinds && !filter.kinds.includes(summary.kind)) return false;
	return filter.source === undefined || summary.source === filter.source;
}
