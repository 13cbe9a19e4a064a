import type { INodeExecutionData } from 'n8n-workflow';
import { COMPONENTS, type Component } from '../../lib/catalog/component';
import { backupIdSchema } from '../../lib/catalog/manifest';

export interface InputBackup {
	readonly component: Component;
	readonly id: string;
}

export interface InputFailure {
	readonly component: Component | null;
	readonly what: string;
	readonly message: string;
	readonly code?: string;
	readonly hint?: string;
}

/** What the steps of a run have left behind: backups in `json.backup`, failures in `json.error`. Items of other kinds say nothing. */
export function readRunInput(items: readonly INodeExecutionData[]): { members: InputBackup[]; failures: InputFailure[] } {
	const members: InputBackup[] = [];
	const failures: InputFailure[] = [];
	for (const { json, error } of items) {
		const member = backupOf(json.backup);
		if (member && !members.some(({ id }) => id === member.id)) members.push(member);
		const failure = json.error ?? error;
		if (failure !== undefined && failure !== null) failures.push(failureOf(failure, json.details));
	}
	return { members, failures };
}

function backupOf(value: unknown): InputBackup | undefined {
	if (!isRecord(value)) return undefined;
	const component = componentOf(value.component);
	const id = backupIdSchema.safeParse(value.id);
	return component !== null && id.success ? { component, id: id.data } : undefined;
}

/** The nodes of this package put `{ code, hint, node, component }` into `details`; other nodes have an error text or object only. */
function failureOf(error: unknown, details: unknown): InputFailure {
	const more = isRecord(details) ? details : {};
	const message = isRecord(error) ? textOf(error.message) : textOf(error);
	const code = textOf(more.code);
	const hint = textOf(more.hint);
	return {
		component: componentOf(more.component),
		what: (textOf(more.node) ?? 'A step of the run').slice(0, 200),
		message: (message ?? 'It failed and did not say why.').slice(0, 2000),
		...(code !== undefined && { code: code.slice(0, 100) }),
		...(hint !== undefined && { hint: hint.slice(0, 2000) }),
	};
}

function componentOf(value: unknown): Component | null {
	return COMPONENTS.find((component) => component === value) ?? null;
}

function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
