import type { INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { recoveryIdSchema } from '../../lib/catalog/recovery-journal';
import { type Parameters, wrong } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { readRunInput } from '../shared/run-input';

/** Which recovery, and which attempt at it; both come out of Begin Recovery. */
export function attemptFields(operation: string[]): INodeProperties[] {
	const displayOptions = { show: { operation } };
	return [
		{
			displayName: 'Recovery',
			name: 'recovery',
			type: 'string',
			default: "={{ $('Begin Recovery').first().json.recovery.id }}",
			required: true,
			displayOptions,
			description: 'The ID that Begin Recovery gave',
		},
		{
			displayName: 'Run',
			name: 'run',
			type: 'string',
			default: "={{ $('Begin Recovery').first().json.recovery.run }}",
			required: true,
			displayOptions,
			description: 'What Begin Recovery gave as "run": once somebody else goes on with the recovery, this one may write nothing more',
		},
	];
}

export function readAttempt(parameters: Parameters): { recovery: string; run: string } {
	return { recovery: readRecoveryId(parameters.requiredText('recovery', 'Recovery')), run: parameters.requiredText('run', 'Run') };
}

export function readRecoveryId(text: string): string {
	if (recoveryIdSchema.safeParse(text).success) return text;
	throw wrong('Recovery', 'is not the ID of a recovery', 'Use the "recovery.id" that Begin Recovery or Read Recovery gave.');
}

/** How a stage went, told by what it put out: an error, a reason to have skipped it, or a result. */
export function reportOf(items: readonly INodeExecutionData[]) {
	const [failure] = readRunInput(items).failures;
	if (failure) {
		const error = { code: failure.code ?? 'FAILED', message: failure.message, hint: failure.hint ?? '' };
		return { outcome: 'failed' as const, error, reopen: readReopened(items[0]?.json.reopen) };
	}
	const results = items.map(({ json }) => plainData(json));
	const result = results.length === 1 ? (results[0] ?? null) : { items: results };
	const skipped = results[0]?.skipped;
	if (typeof skipped === 'string') return { outcome: 'skipped' as const, detail: skipped.slice(0, 2000), result };
	return { outcome: 'done' as const, detail: '', result };
}

/** Stages that the failed one puts back: a list of their names in the item, as `reopen`. */
function readReopened(value: unknown): string[] {
	return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}

/** An object, also as the text of one. */
export function readRecord(value: unknown, label: string): Record<string, unknown> {
	const parsed = typeof value === 'string' ? parse(value, label) : value;
	if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
	throw wrong(label, 'is not a JSON object', 'Use an object like { "recoveryPoint": "…" }.');
}

function parse(text: string, label: string): unknown {
	if (text.trim() === '') return {};
	try {
		return JSON.parse(text);
	} catch {
		throw wrong(label, 'is not valid JSON', 'Use an object like { "recoveryPoint": "…" }.');
	}
}
