import { readExpectedRuns, removeExpectedRun } from '../catalog/expected-runs';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import type { StateContext } from './alert-state';
import { forgetAlerts } from './check-alerts';
import { SCHEDULE_PREFIX, WORKFLOW_PREFIX } from './problem';

/**
 * Ends the alarms of a schedule that is gone for good: that it did not run, and that it failed. It counts again with its next success.
 * @throws BackupError `INVALID_INPUT` when the store knows no such schedule
 */
export async function forgetSchedule(store: Store, id: string, context: StateContext): Promise<void> {
	if (!(await removeExpectedRun(store, id))) {
		const known = (await readExpectedRuns(store)).map((run) => `${run.id} (${run.name})`);
		const hint = known.length === 0 ? 'It knows none at all. Check that this is the store that was meant.' : `It knows: ${known.join(', ')}.`;
		throw new BackupError('INVALID_INPUT', `The store (${store.description}) knows no schedule "${id}".`, hint);
	}
	await forgetAlerts(store, [SCHEDULE_PREFIX + id, WORKFLOW_PREFIX + id], context);
}
