import { readExpectedRuns } from '../catalog/expected-runs';
import type { JobContext } from '../core/context';
import { readStatus, type ReadWindows, type StatusOptions, type StatusResult } from '../status/read-status';
import type { Store } from '../storage/store';
import { type AlertState, changeAlertState, changeAlertStateOrTell, type OpenAlert, type StateContext } from './alert-state';
import { afterDelivery, type AlertMessage, type AlertPolicy, decideAlerts, stillOpen } from './decide-alerts';
import { canJudge, findProblems } from './find-problems';
import { causeOf, type Problem, WORKFLOW_PREFIX } from './problem';

export interface CheckedAlerts {
	/** What to tell people now; whoever delivers one has it recorded. */
	readonly messages: AlertMessage[];
	/** How many things are wrong, told or not. */
	readonly problems: number;
	/** Null where only a given problem was looked at. */
	readonly status: StatusResult | null;
}

/** So long a check has for telling what it decided; then the next one tells what was not recorded as delivered. */
const CLAIM_MS = 10 * 60_000;

/**
 * Looks at everything in a store and decides what people must be told. What it hands out is left alone by any other check for ten minutes, or until it is
 * recorded as delivered: so two checks that overlap do not both tell.
 */
export async function checkStoreAlerts(store: Store, options: StatusOptions & AlertPolicy, context: JobContext, readWindows?: ReadWindows): Promise<CheckedAlerts> {
	const status = await readStatus(store, options, context, readWindows);
	return await changeAlertStateOrTell(store, context, 'deciding which alerts are due', (state) => {
		const now = context.now();
		const problems = findProblems(status, state.open);
		const claims = state.claims.filter(({ until }) => Date.parse(until) > now.getTime() && Date.parse(until) <= now.getTime() + CLAIM_MS);
		const messages = decideAlerts(problems, state.open, (key) => canJudge(key, status, options.components), options, now).filter(({ problem }) => !claims.some(({ key }) => key === problem.key));
		const until = new Date(now.getTime() + CLAIM_MS).toISOString();
		const result = { messages, problems: problems.length, status };
		if (messages.length === 0) return { result };
		return { next: { open: state.open, claims: [...claims, ...messages.map(({ problem: { key } }) => ({ key, until }))] }, result };
	});
}

/**
 * Decides whether people must be told of a workflow that failed. One that runs on a schedule is told once for each cause, and is over when it has succeeded
 * again; of any other nobody would ever know that it is over, so it is told each time. Of what was told already the newest words are remembered.
 * @param workflow its id
 */
export async function checkWorkflowAlert(store: Store, workflow: string, problem: Omit<Problem, 'key'>, policy: AlertPolicy, context: StateContext): Promise<CheckedAlerts> {
	const key = WORKFLOW_PREFIX + workflow;
	const success = (await readExpectedRuns(store)).find(({ id }) => id === workflow);
	const given = { ...problem, key, cause: causeOf(problem.what), runbook: 'docs/alerts.md#a-workflow-failed', ...(success && { wellAt: success.succeededAt }) };
	if (!success) return { messages: decideAlerts([given], [], () => false, policy, context.now()).map((message) => ({ ...message, after: null })), problems: 1, status: null };
	return await changeAlertStateOrTell(store, context, 'deciding whether an alert is due', (state) => {
		const now = context.now();
		const messages = decideAlerts([given], state.open, () => false, policy, now);
		const result = { messages, problems: 1, status: null };
		return messages.length > 0 ? { result } : { next: renewed(state, given, now), result };
	});
}

/** A later reminder tells the newest words. */
function renewed(state: AlertState, { key, what, advice, link, wellAt }: Problem, now: Date): AlertState {
	const open = state.open.map((alert) => (alert.key === key && stillOpen(alert, { wellAt }, now) ? { ...alert, what, advice, link } : alert));
	return { ...state, open };
}

/** Remembers what was delivered. @returns what people know of now */
export async function recordDelivered(store: Store, delivered: readonly { readonly key: string; readonly after: OpenAlert | null }[], context: StateContext): Promise<OpenAlert[]> {
	return await changeAlertState(store, context, 'recording which alerts were delivered', (state) => {
		const open = afterDelivery(state.open, delivered);
		const told = new Set(delivered.map(({ key }) => key));
		return { next: { open, claims: state.claims.filter(({ key }) => !told.has(key)) }, result: open };
	});
}

/** Forgets what people were told of something that is not looked at any more. */
export async function forgetAlerts(store: Store, keys: readonly string[], context: StateContext): Promise<void> {
	await changeAlertState(store, context, 'forgetting alerts of what is gone for good', (state) => {
		const kept = state.open.filter(({ key }) => !keys.includes(key));
		return kept.length === state.open.length ? { result: undefined } : { next: { ...state, open: kept }, result: undefined };
	});
}
