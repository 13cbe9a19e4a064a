import type { Component } from '../catalog/component';
import { walkBackups } from '../catalog/list-backups';
import { listRecoveryPoints } from '../catalog/list-recovery-points';
import type { JobContext } from '../core/context';
import type { Store } from '../storage/store';
import { type CleanPoints, findCleanPoints } from './clean-points';
import { judgeBackups, type Sample } from './judge-backups';
import { measure } from './measures';

/** Which recovery points of a store can be trusted after an attack. Reads only manifests. */
export async function readCleanPoints(store: Store, context: Pick<JobContext, 'progress'>, needed: readonly Component[] = []): Promise<CleanPoints> {
	context.progress({ step: 'Looking for signs in every backup' });
	const samples: Sample[] = [];
	for await (const { summary, manifest } of walkBackups(store)) {
		if (manifest && summary.status === 'success') samples.push({ ...summary, measures: measure(manifest) });
	}
	return findCleanPoints(await listRecoveryPoints(store), judgeBackups(samples), needed);
}
