import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INode, IWorkflowBase } from 'n8n-workflow';
import { ENGLISH_FOLDER, PORTUGUESE_FOLDER } from '../../../scripts/translation/shipped';

export interface WorkflowFile {
	readonly file: string;
	readonly text: string;
	readonly workflow: Pick<IWorkflowBase, 'id' | 'name' | 'nodes' | 'connections' | 'settings'> & { tags?: Array<{ id: string; name: string }> };
}

/** The workflows that the package ships. */
export const workflowFiles = filesIn(ENGLISH_FOLDER);
/** The same in Brazilian Portuguese, in the same order. */
export const portugueseFiles = filesIn(PORTUGUESE_FOLDER);

function filesIn(folder: string): WorkflowFile[] {
	return readdirSync(folder)
		.filter((file) => file.endsWith('.json'))
		.map((file) => {
			const text = readFileSync(join(folder, file), 'utf8');
			return { file, text, workflow: JSON.parse(text) as WorkflowFile['workflow'] };
		});
}

export const STICKY_NOTE = 'n8n-nodes-base.stickyNote';

/** What a node covers on the canvas: notes have a size of their own, nodes are 96 wide with their name (about 40) below. */
export function rectangle(node: INode): { left: number; top: number; right: number; bottom: number } {
	const [left, top] = node.position;
	const width = node.type === STICKY_NOTE ? Number(node.parameters.width) : 96;
	const height = node.type === STICKY_NOTE ? Number(node.parameters.height) : 136;
	return { left, top, right: left + width, bottom: top + height };
}
