import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { throwIfAborted, toBackupError } from '../../lib/core/errors';
import type { JobKind } from '../../lib/jobs/schema/job';
import { nodeError } from './node-error';
import type { Operation } from './operation';
import { Parameters } from './parameters';
import { executionSources, runForItem } from './run-node-job';

/** An operation whose kind of job no longer matters to whoever runs it. */
export type RunnableOperation = (context: IExecuteFunctions, itemIndex: number) => Promise<INodeExecutionData[]>;

/** How one item goes through an operation: parameters and credentials to a job, its result to items linked to the input item. */
export function runnable<K extends JobKind>(operation: Operation<K>): RunnableOperation {
	return async (context, itemIndex) => {
		const parameters = new Parameters(context, itemIndex);
		const job = await operation.job({
			parameters,
			...executionSources(context, itemIndex),
			timeZone: context.getTimezone(),
			now: new Date(),
		});
		const timeoutMinutes = parameters.collection('options').number('timeout', 'Timeout (Minutes)');
		const result = await runForItem<K>(context, job, timeoutMinutes);
		const hints = operation.hints?.(result) ?? [];
		if (hints.length > 0) context.addExecutionHints(...hints);
		return operation.items(result).map((json) => ({ json, pairedItem: { item: itemIndex } }));
	};
}

/** Runs each input item's operation, one after the other. */
export async function executeOperations(
	context: IExecuteFunctions,
	operations: Readonly<Record<string, RunnableOperation>>,
): Promise<INodeExecutionData[][]> {
	const output: INodeExecutionData[] = [];
	const signal = context.getExecutionCancelSignal();
	for (let itemIndex = 0; itemIndex < context.getInputData().length; itemIndex++) {
		try {
			if (signal !== undefined) throwIfAborted(signal);
			const chosen = new Parameters(context, itemIndex).choice('operation', 'Operation', Object.keys(operations));
			output.push(...((await operations[chosen]?.(context, itemIndex)) ?? []));
		} catch (error) {
			const reason = toBackupError(error);
			const failure = nodeError(context.getNode(), reason, itemIndex);
			// A stopped execution must stop, even where the node is set to go on after errors.
			if (signal?.aborted === true || !context.continueOnFail()) throw failure;
			// n8n sends exactly this shape to the error output and keeps the details, which it drops from items with an `error` of their own.
			output.push({
				json: { error: reason.message, details: { code: reason.code, hint: reason.hint } },
				pairedItem: { item: itemIndex },
			});
		}
	}
	return [output];
}
