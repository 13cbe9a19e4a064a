import { readVerification } from '../catalog/read-verification';
import type { BackupSummary } from '../catalog/summary';
import type { Store } from '../storage/store';
import type { Drill } from './kpis';

const PARALLEL = 16;
/** A backup may be restored as a test long after it was made. */
const EARLIER_MS = 31 * 86_400_000;

/** What was restored as a test since a moment, in milliseconds since 1970, and perhaps earlier. */
export async function readDrills(store: Store, backups: readonly BackupSummary[], from: number): Promise<Drill[]> {
	const recent = backups.filter(({ startedAt, verified, status }) => Date.parse(startedAt) >= from - EARLIER_MS && (verified !== null || status === 'damaged'));
	const drills: Drill[] = [];
	for (let at = 0; at < recent.length; at += PARALLEL) {
		const batch = await Promise.all(recent.slice(at, at + PARALLEL).map(async ({ component, id }) => ({ component, id, verification: await readVerification(store, component, id) })));
		for (const { component, id, verification } of batch) {
			for (const check of verification?.checks ?? []) {
				if (check.level === 'restore') drills.push({ component, backup: id, at: check.at, durationSeconds: check.durationSeconds, passed: check.passed });
			}
		}
	}
	return drills;
}
