import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Component } from '../../lib/catalog/component';
import { throwIfAborted, toBackupError } from '../../lib/core/errors';
import type { JobKind } from '../../lib/jobs/schema/job';
import { nodeError } from './node-error';
import type { Operation } from './operation';
import { Parameters } from './parameters';
import { plainWords } from './plain-words';
import { executionSources, runForItem } from './run-node-job';

/** An operation whose kind of job no longer matters to whoever runs it. */
export interface RunnableOperation {
	/** Whether it makes a job of each input item, or one of all together. */
	readonly takes: 'each item' | 'all items';
	run(context: IExecuteFunctions, itemIndex: number): Promise<INodeExecutionData[]>;
}

/** How one item goes through an operation: parameters and credentials to a job, its result to items linked to the input item. */
export function runnable<K extends JobKind>(operation: Operation<K>): RunnableOperation {
	return {
		takes: 'each item',
		run: async (context, itemIndex) => await runOperation(operation, context, itemIndex, [itemIndex]),
	};
}

/** The same for an operation that looks at all input items together; its parameters are those of the first. */
export function runnableForAll<K extends JobKind>(operation: Operation<K>): RunnableOperation {
	return {
		takes: 'all items',
		run: async (context, itemIndex) => await runOperation(operation, context, itemIndex, context.getInputData().map((_, index) => index)),
	};
}

async function runOperation<K extends JobKind>(
	operation: Operation<K>,
	context: IExecuteFunctions,
	itemIndex: number,
	indices: readonly number[],
): Promise<INodeExecutionData[]> {
	const parameters = new Parameters(context, itemIndex);
	const input = context.getInputData();
	const job = await operation.job({
		parameters,
		items: indices.flatMap((index) => input[index] ?? []),
		...executionSources(context, itemIndex),
		timeZone: context.getTimezone(),
		now: new Date(),
	});
	const timeoutMinutes = parameters.collection('options').number('timeout', 'Timeout (Minutes)');
	const result = await runForItem<K>(context, job, timeoutMinutes);
	const hints = operation.hints?.(result) ?? [];
	if (hints.length > 0) context.addExecutionHints(...hints);
	return operation.items(result).map((json) => ({ json, pairedItem: pairedWith(indices) }));
}

export interface ExecuteOptions {
	/** Which part of the stack the node was at work on, so that whoever collects failures can tell them apart. */
	readonly component?: (parameters: Parameters) => Component | null;
}

/** Runs each input item's operation, one after the other; one that takes all items runs once. */
export async function executeOperations(
	context: IExecuteFunctions,
	operations: Readonly<Record<string, RunnableOperation>>,
	options: ExecuteOptions = {},
): Promise<INodeExecutionData[][]> {
	const output: INodeExecutionData[] = [];
	const signal = context.getExecutionCancelSignal();
	for (let itemIndex = 0; itemIndex < context.getInputData().length; itemIndex++) {
		const parameters = new Parameters(context, itemIndex);
		try {
			if (signal !== undefined) throwIfAborted(signal);
			const operation = operations[parameters.choice('operation', 'Operation', Object.keys(operations))];
			// Nodes do not let an expression choose the operation, so all items have that of the first.
			if (operation?.takes === 'all items' && itemIndex > 0) continue;
			output.push(...((await operation?.run(context, itemIndex)) ?? []));
		} catch (error) {
			const reason = toBackupError(error);
			const failure = nodeError(context.getNode(), reason, itemIndex);
			// A stopped execution must stop, even where the node is set to go on after errors.
			if (signal?.aborted === true || !context.continueOnFail()) throw failure;
			const details = { code: reason.code, hint: reason.hint, node: context.getNode().name, component: componentOf(options, parameters) };
			// n8n sends exactly this shape to the error output and keeps the details, which it drops from items with an `error` of their own.
			output.push({ json: { error: plainWords(reason.message), details }, pairedItem: { item: itemIndex } });
		}
	}
	return [output];
}

function componentOf({ component }: ExecuteOptions, parameters: Parameters): Component | null {
	try {
		return component?.(parameters) ?? null;
	} catch {
		// The parameter that names it may be the very thing that is wrong; the first error tells.
		return null;
	}
}

function pairedWith(indices: readonly number[]): INodeExecutionData['pairedItem'] {
	const [first] = indices;
	return indices.length === 1 && first !== undefined ? { item: first } : indices.map((item) => ({ item }));
}
