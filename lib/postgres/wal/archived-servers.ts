import { WAL_FOLDER } from '../../catalog/layout';
import { BackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { listWal, readWalRecord } from './wal-archive';

/** System identifiers of the servers whose WAL is in the store, sorted. */
export async function archivedServers(store: Store): Promise<string[]> {
	const folders = await store.listFolders(WAL_FOLDER);
	return folders.filter((name) => /^\d{1,20}$/.test(name)).sort();
}

/**
 * The servers that a job is about: the one that was named, or all.
 * @throws BackupError `BACKUP_NOT_FOUND` when nothing is archived of it
 */
export async function chosenServers(store: Store, systemIdentifier: string | undefined): Promise<string[]> {
	const servers = await archivedServers(store);
	if (systemIdentifier === undefined) return servers;
	if (servers.includes(systemIdentifier)) return [systemIdentifier];
	const there = servers.length === 0 ? 'It holds no WAL at all.' : `It holds WAL of ${servers.join(', ')}.`;
	throw new BackupError('BACKUP_NOT_FOUND', `The store (${store.description}) holds no WAL of the server ${systemIdentifier}. ${there}`, 'Check the system identifier (pg_control_system() shows it) and that the store credential points to the right place.');
}

/** The size of the server's segments, as the first record that can be read says; undefined where there is none. */
export async function archivedSegmentBytes(store: Store, systemIdentifier: string, signal: AbortSignal): Promise<number | undefined> {
	for await (const { name, timeline } of listWal(store, systemIdentifier)) {
		try {
			const record = await readWalRecord(store, { name, timeline, systemIdentifier }, signal);
			if (record) return record.segmentBytes;
		} catch (error) {
			if (!(error instanceof BackupError) || error.code !== 'MANIFEST_INVALID') throw error;
		}
	}
	return undefined;
}
