import type { INodeProperties, NodeExecutionHint } from 'n8n-workflow';
import type { Parameters } from '../shared/parameters';

/** Plan or apply; plan by default, so that nothing is deleted before somebody has looked. */
export function modeField(operation: string, texts: { plan: string; apply: string }): INodeProperties {
	return {
		displayName: 'Mode',
		name: 'mode',
		type: 'options',
		displayOptions: { show: { operation: [operation] } },
		options: [
			{ name: 'Apply', value: 'apply', description: texts.apply },
			{ name: 'Plan', value: 'plan', description: texts.plan },
		],
		default: 'plan',
		description: 'Whether to delete, or only to say what would be deleted',
	};
}

export function readApply(parameters: Parameters): boolean {
	return parameters.choice('mode', 'Mode', ['plan', 'apply']) === 'apply';
}

/** Says above the output that a plan deleted nothing. */
export function planHints({ applied }: { readonly applied: boolean }): NodeExecutionHint[] {
	if (applied) return [];
	return [{ message: 'Plan only: nothing was deleted. Set "Mode" to Apply to carry it out.', type: 'info', location: 'outputPane' }];
}
