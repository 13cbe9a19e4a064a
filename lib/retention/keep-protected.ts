import { backupFolder } from '../catalog/layout';
import type { BackupSummary } from '../catalog/summary';
import { listAll } from '../storage/list-all';
import type { Store } from '../storage/store';
import type { RetentionDecision } from './plan';

/**
 * Keeps what the store itself protects (Object Lock), and with it what that needs: deleting would only hide it, and it would
 * take its space all the same.
 * @param decisions newest backup first, as planned
 */
export async function keepProtected(store: Store, decisions: readonly RetentionDecision[], backups: readonly BackupSummary[]): Promise<RetentionDecision[]> {
	const byId = new Map(backups.map((backup) => [backup.id, backup]));
	const neededBy = new Map<string, string>();
	const kept: RetentionDecision[] = [];
	for (const decision of decisions) {
		const backup = byId.get(decision.id);
		if (decision.action !== 'delete' || !backup) {
			kept.push(decision);
			continue;
		}
		const child = neededBy.get(backup.id);
		const reason = child === undefined ? await protectedBecause(store, backup) : `${child} needs it`;
		if (reason !== undefined && backup.parent !== null) neededBy.set(backup.parent, backup.id);
		kept.push(reason === undefined ? decision : { ...decision, action: 'keep', reasons: [reason] });
	}
	return kept;
}

async function protectedBecause(store: Store, backup: BackupSummary): Promise<string | undefined> {
	let latest: Date | undefined;
	for (const { key } of await listAll(store, backupFolder(backup.component, backup.id))) {
		const protection = await store.protection(key);
		if (protection === undefined) continue;
		if (protection.until === null) return 'the store holds it back until somebody lifts its legal hold';
		if (latest === undefined || protection.until > latest) latest = protection.until;
	}
	return latest === undefined ? undefined : `locked by the store until ${latest.toISOString()}`;
}
