import { manifestKey, recoveryPointKey } from '../catalog/layout';
import { findRecoveryPoint, type RecoveryPointChoice } from '../catalog/list-recovery-points';
import type { FoundRecoveryPoint } from '../catalog/read-recovery-point';
import { once, readSmallObject } from '../catalog/small-object';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { CopyOptions } from './copy-backup';
import type { CopyRun } from './copy-backups';

/**
 * Copies the members of a recovery point, then its manifest. Members that the source itself no longer has are passed over and
 * named; the copy then shows as incomplete, as the original does.
 * @returns its id
 */
export async function copyRecoveryPoint({ source, target }: CopyOptions, choice: RecoveryPointChoice, context: JobContext, run: CopyRun): Promise<string> {
	const found = await findRecoveryPoint(source, choice);
	const { id, members } = found.point;
	let all = true;
	for (const { component, backup } of members) {
		if (await source.stat(manifestKey(component, backup))) all = (await run.tryCopyWithParents({ component, id: backup })) && all;
		else run.skipped.push({ id: backup, component, reason: 'it is no longer in the source store' });
	}
	if (all) await publish(target, found, context.signal);
	return id;
}

async function publish(target: Store, { point, text }: FoundRecoveryPoint, signal: AbortSignal): Promise<void> {
	const key = recoveryPointKey(point.id);
	if ((await readSmallObject(target, key, signal)) === text) return;
	await target.put(key, once(Buffer.from(text)), { signal });
	if ((await readSmallObject(target, key, signal)) === text) return;
	await target.remove(key);
	throw new BackupError(
		'ARTIFACT_DAMAGED',
		`The target store (${target.description}) gave back other bytes of recovery point ${point.id} than were written to it.`,
		'Check the disk or bucket of the target. Its backups were copied and checked one by one; copy the recovery point again.',
	);
}
