import type { IDataObject, INodeProperties, NodeExecutionHint } from 'n8n-workflow';
import type { SwapResult } from '../../lib/jobs/results';
import type { OperationInput } from '../shared/operation';
import { plainData } from '../shared/plain-data';

/** The switch between showing and doing; on by default, because a tired person presses Execute first and reads later. */
export function dryRunField(operation: string): INodeProperties {
	return {
		displayName: 'Dry Run',
		name: 'dryRun',
		type: 'boolean',
		default: true,
		displayOptions: { show: { operation: [operation] } },
		description: 'Whether to only check everything and show the plan. Nothing is changed until this is off.',
	};
}

/** What a person must type before something live is touched. */
export function confirmationField(
	show: NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>,
	text: { placeholder: string; description: string },
): INodeProperties {
	return {
		displayName: 'Confirmation',
		name: 'confirmation',
		type: 'string',
		default: '',
		displayOptions: { show: { ...show, dryRun: [false] } },
		...text,
	};
}

/** The parts that every job of this node has. */
export async function restoreCommon({ parameters, connection }: OperationInput) {
	const dryRun = parameters.flag('dryRun', 'Dry Run');
	return {
		connection: await connection(),
		dryRun,
		confirmation: dryRun ? '' : parameters.text('confirmation', 'Confirmation'),
	};
}

/** One item: what was exchanged or dropped. */
export function swapItems(result: SwapResult): IDataObject[] {
	return [{ swap: plainData(result) }];
}

/** Says above the output that a dry run changed nothing. */
export function dryRunHints({ dryRun }: { readonly dryRun: boolean }): NodeExecutionHint[] {
	if (!dryRun) return [];
	return [{ message: 'Dry run: nothing was changed. Turn off "Dry Run" to carry out the plan.', type: 'info', location: 'outputPane' }];
}
