import { readExpectedRuns } from '../catalog/expected-runs';
import { withLock } from '../catalog/with-lock';
import type { JobContext } from '../core/context';
import { readStatus, type ReadWindows, type StatusOptions, type StatusResult } from '../status/read-status';
import type { Store } from '../storage/store';
import { type OpenAlert, readOpenAlerts, writeOpenAlerts } from './alert-state';
import { afterDelivery, type AlertMessage, type AlertPolicy, decideAlerts } from './decide-alerts';
import { canJudge, findProblems } from './find-problems';
import { type Problem, WORKFLOW_PREFIX } from './problem';

export interface CheckedAlerts {
	/** What to tell people now; whoever delivers one has it recorded. */
	readonly messages: AlertMessage[];
	/** How many things are wrong, told or not. */
	readonly problems: number;
	/** Null where only a given problem was looked at. */
	readonly status: StatusResult | null;
}

/** Looks at everything in a store and decides what people must be told. */
export async function checkStoreAlerts(store: Store, options: StatusOptions & AlertPolicy, context: JobContext, readWindows?: ReadWindows): Promise<CheckedAlerts> {
	const status = await readStatus(store, options, context, readWindows);
	const open = await readOpenAlerts(store);
	const problems = findProblems(status, open);
	const components = status.components.map(({ component }) => component);
	return { messages: decideAlerts(problems, open, (key) => canJudge(key, components), options, context.now()), problems: problems.length, status };
}

/**
 * Decides whether people must be told of a workflow that failed. One that runs on a schedule is told once, and is over when it has succeeded again; of any
 * other nobody would ever know that it is over, so it is told each time.
 * @param workflow its id
 */
export async function checkWorkflowAlert(store: Store, workflow: string, problem: Omit<Problem, 'key'>, policy: AlertPolicy, context: Pick<JobContext, 'now'>): Promise<CheckedAlerts> {
	const key = WORKFLOW_PREFIX + workflow;
	const given = { ...problem, key };
	const scheduled = (await readExpectedRuns(store)).some(({ id }) => id === workflow);
	const open = scheduled ? await readOpenAlerts(store) : [];
	const messages = decideAlerts([given], open, () => false, policy, context.now());
	return { messages: scheduled ? messages : messages.map((message) => ({ ...message, after: null })), problems: 1, status: null };
}

/** Remembers what was delivered. @returns what people know of now */
export async function recordDelivered(store: Store, delivered: readonly { readonly key: string; readonly after: OpenAlert | null }[], context: JobContext): Promise<OpenAlert[]> {
	return await withLock(store, context, { name: 'alerts', mode: 'exclusive', purpose: 'recording which alerts were delivered', waitSeconds: 30 }, async (_lock, signal) => {
		const open = afterDelivery(await readOpenAlerts(store), delivered);
		await writeOpenAlerts(store, open, signal);
		return open;
	});
}
