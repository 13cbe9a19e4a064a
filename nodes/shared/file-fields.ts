import type { INodeProperties } from 'n8n-workflow';
import { FILE_COMPONENTS } from '../../lib/jobs/schema/files-jobs';
import { type Parameters, wrong } from './parameters';

type Show = NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>;

/** Which part of the stack a folder belongs to. */
export function fileComponentField(show: Show): INodeProperties {
	return {
		displayName: 'Component',
		name: 'component',
		type: 'options',
		displayOptions: { show },
		options: [
			{ name: 'Configuration', value: 'config', description: 'Files with settings and secrets: always encrypted unless you allow otherwise' },
			{ name: 'Files', value: 'files', description: 'Uploads and other data' },
			{ name: 'Logs', value: 'logs', description: 'Log files' },
		],
		default: 'files',
		description: 'What the folder holds. Retention and reports tell backups apart by it.',
	};
}

export function readFileComponent(parameters: Parameters) {
	return parameters.choice('component', 'Component', FILE_COMPONENTS);
}

/** A list of patterns, one in a line. */
export function patternsField(name: 'include' | 'exclude', description: string): INodeProperties {
	return {
		displayName: name === 'include' ? 'Include' : 'Exclude',
		name,
		type: 'string',
		typeOptions: { rows: 3 },
		default: '',
		placeholder: name === 'include' ? 'e.g. 2026/**' : 'e.g. *.tmp',
		description: `${description} One pattern a line: "*.tmp" matches a name anywhere, "cache/**" a path in the folder. A folder that matches stands for all in it.`,
	};
}

/** Patterns from a text with one a line, or from an expression that yields a list. */
export function readPatterns(value: unknown, label: string): string[] | undefined {
	if (value === undefined || value === null) return undefined;
	const list: unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/\r?\n/) : [value];
	return list
		.map((entry) => {
			if (typeof entry === 'string') return entry.trim();
			throw wrong(label, 'holds something that is no text', 'Give one pattern a line, or a list of texts.');
		})
		.filter((entry) => entry !== '');
}
