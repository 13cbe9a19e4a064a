import type { INodeProperties } from 'n8n-workflow';
import type { CollectionValues } from '../shared/parameters';

/** For whatever copies from one store to another. */
export const recheckField: INodeProperties = {
	displayName: 'Check Existing Copies',
	name: 'recheck',
	type: 'boolean',
	default: false,
	description: 'Whether to read every byte of copies that are there already, and copy again what is damaged',
};

/** What it was set to, as jobs take it; undefined: the job's own default. */
export function readRecheck(options: CollectionValues): boolean | undefined {
	return options.flag('recheck', 'Check Existing Copies');
}
