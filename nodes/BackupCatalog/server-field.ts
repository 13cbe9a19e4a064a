import type { INodeProperties } from 'n8n-workflow';
import type { CollectionValues } from '../shared/parameters';

/** Which of several archived servers; all without it. */
export const serverField: INodeProperties = {
	displayName: 'System Identifier',
	name: 'systemIdentifier',
	type: 'string',
	default: '',
	placeholder: 'e.g. 7581234567890123456',
	description: 'Only the WAL of the server with this identifier, as pg_control_system() shows it. Without it, of all servers in the store.',
};

export function readServer(options: CollectionValues): string | undefined {
	return options.text('systemIdentifier', 'System Identifier')?.trim() || undefined;
}
