import type { Manifest } from '../../catalog/manifest';
import type { RecoveryWindow } from '../../catalog/recovery-window';
import type { JobContext } from '../../core/context';
import { toBackupError } from '../../core/errors';
import type { Store } from '../../storage/store';
import { formatLsn, parseLsn } from '../replication/lsn';
import { readWalIndex } from './archive-index';
import { baseDetails, coveredWindow, walAfter } from './covered-window';
import { withFreshListing } from './visit-wal';

/**
 * The newest window of each server that has base backups; lists its archive and reads a few records.
 * @param bases physical backups that are not known to be damaged, newest first
 */
export async function readRecoveryWindows(store: Store, bases: readonly Manifest[], context: Pick<JobContext, 'signal' | 'keys'>): Promise<RecoveryWindow[]> {
	const servers = new Map<string, Manifest[]>();
	for (const manifest of bases) {
		const { systemIdentifier } = baseDetails(manifest);
		servers.set(systemIdentifier, [...(servers.get(systemIdentifier) ?? []), manifest]);
	}
	const windows: RecoveryWindow[] = [];
	for (const manifests of servers.values()) windows.push(await windowOf(store, manifests, context));
	return windows;
}

async function windowOf(store: Store, [newest, ...older]: readonly Manifest[], context: Pick<JobContext, 'signal' | 'keys'>): Promise<RecoveryWindow> {
	if (!newest) throw new RangeError('a server without base backups has no window');
	const base = baseDetails(newest);
	const { source } = newest;
	const address = 'port' in source ? { host: source.host, port: Number(source.port) } : { host: source.host, port: 0 };
	const alone = { source: source.name, ...address, systemIdentifier: base.systemIdentifier, databases: base.databases.map(({ name }) => name), oldestBase: newest.id, bases: 1, from: base.endedAt, to: base.endedAt };
	try {
		const { index, path, covered } = await withFreshListing(async () => {
			const listed = await readWalIndex(store, base, context);
			const followed = walAfter(listed, base, null);
			return { index: listed, path: followed, covered: await coveredWindow(store, listed, base, followed, context) };
		});
		let [oldest, bases] = [newest, 1];
		for (const manifest of older) {
			// What is archived after the older one has to lead past the end of the newer one.
			if (walAfter(index, baseDetails(manifest), null).end < parseLsn(baseDetails(oldest).endLsn)) break;
			[oldest, bases] = [manifest, bases + 1];
		}
		return { ...alone, oldestBase: oldest.id, bases, from: baseDetails(oldest).endedAt, to: covered.to, gap: path.gap && `${path.gap.segment} is missing from ${formatLsn(path.gap.at)} on` };
	} catch (error) {
		// A look at everything must not end at one archive that cannot be read: it says so instead.
		if (context.signal.aborted) throw error;
		return { ...alone, gap: toBackupError(error).message };
	}
}
