import { translateExpression } from './expression';
import { roomyHeight } from './note-size';
import { isLanguage, type Words } from './words';

/** A workflow as its file holds it: what is translated, and whatever else. */
export interface WorkflowJson {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly nodes: readonly WorkflowNode[];
	readonly connections: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<ReadonlyArray<{ readonly node: string }> | null>>>>>;
}

export interface WorkflowNode {
	readonly id: string;
	readonly name: string;
	readonly type: string;
	readonly parameters: Readonly<Record<string, unknown>>;
}

const STICKY_NOTE = 'n8n-nodes-base.stickyNote';

/** Parameters that people read, whatever is in them. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
	'content', 'fieldLabel', 'option', 'placeholder', 'buttonLabel', 'formTitle', 'formDescription', 'completionTitle', 'completionMessage', 'errorMessage',
	'html', 'subject', 'text', 'responseBody', 'cachedResultName', 'kitTitle', 'kitNotes', 'reportTitle', 'dashboardTitle', 'question', 'reason', 'holdReason', 'note',
]);

/** Parameters that may hold what somebody chose in a form, word by word. */
const COMPARED: ReadonlySet<string> = new Set(['value', 'rightValue']);

/** The same workflow in other words: same ids, nodes, positions and connections; a note is as high as its text needs. */
export function translateWorkflow<T extends WorkflowJson>(workflow: T, words: Words): T {
	return {
		...workflow,
		name: words.text(workflow.name, true),
		description: words.text(workflow.description, true),
		nodes: workflow.nodes.map((node) => translateNode(node, words)),
		connections: Object.fromEntries(
			Object.entries(workflow.connections).map(([from, outputs]) => [
				words.name(from),
				Object.fromEntries(Object.entries(outputs).map(([kind, ends]) => [kind, ends.map((end) => end?.map((to) => ({ ...to, node: words.name(to.node) })) ?? null)])),
			]),
		),
	};
}

function translateNode(node: WorkflowNode, words: Words): WorkflowNode {
	const name = words.name(node.name);
	if (node.type !== STICKY_NOTE) return { ...node, parameters: translateValue(node.parameters, '', words) as WorkflowNode['parameters'], name };
	const content = String(node.parameters.content)
		.split('\n')
		.map((line) => (line === '' ? '' : words.text(line, true)))
		.join('\n');
	const { width, height } = node.parameters;
	return { ...node, parameters: { ...node.parameters, content, height: Math.max(Number(height), roomyHeight(content, Number(width))) }, name };
}

function translateValue(value: unknown, key: string, words: Words): unknown {
	if (typeof value === 'string') return translateString(value, key, words);
	if (Array.isArray(value)) return value.map((entry) => translateValue(entry, key, words));
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([inner, entry]) => [inner, translateValue(entry, inner, words)]));
}

function translateString(value: string, key: string, words: Words): string {
	if (value.startsWith('=')) return translateExpression(value, words);
	if (FOR_PEOPLE.has(key) && /\p{L}/u.test(value)) return words.text(value, true);
	if (COMPARED.has(key)) return words.text(value, isLanguage(value) && /\s/.test(value));
	return isLanguage(value) && /\s/.test(value) ? words.text(value, true) : value;
}
