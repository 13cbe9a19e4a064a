import { NEVER_ABORTED } from '../../lib/catalog/small-object';
import { listRecoveries } from '../../lib/catalog/read-recovery-journal';
import type { RecoverySummary } from '../../lib/catalog/recovery-summary';
import { openStore } from '../../lib/storage/open-store';
import { testContext } from './job-context';
import { until } from './until';

/** The newest recovery in a store that is a folder. */
export async function newestRecovery(folder: string): Promise<RecoverySummary | undefined> {
	const context = await testContext();
	try {
		const store = openStore({ type: 'folder', path: folder, prefix: '' }, context);
		return (await listRecoveries(store, { limit: 1 }, NEVER_ABORTED))[0];
	} finally {
		await context.remove();
	}
}

/** Waits until the newest recovery is at a stage. */
export async function untilStage(folder: string, stage: string, everyMs?: number): Promise<void> {
	await until(`the recovery is at ${stage}`, async () => (await newestRecovery(folder))?.stages.some((each) => each.stage === stage && each.state === 'running') === true, 40, everyMs);
}
