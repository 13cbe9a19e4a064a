import type { INodeProperties } from 'n8n-workflow';
import type { Parameters } from './parameters';
import type { JobSources } from './run-node-job';

export const slotField: INodeProperties = {
	displayName: 'Replication Slot',
	name: 'slotName',
	type: 'string',
	default: 'backup_recovery',
	description: 'Name of the slot with which the server keeps WAL until it is archived. It is made when it is missing. Each store that a server is archived to needs a slot of its own.',
};

/** The parts that both jobs of archiving have. */
export async function walCommon({ parameters, connection, store, encryption, decryption }: Pick<JobSources, 'connection' | 'store' | 'encryption' | 'decryption'> & { readonly parameters: Parameters }) {
	const options = parameters.collection('options');
	return {
		connection: await connection(),
		store: await store(),
		encryption: await encryption(),
		decryption: await decryption(),
		name: parameters.text('sourceName', 'Name').trim(),
		slotName: options.text('slotName', 'Replication Slot')?.trim() || undefined,
		compressionLevel: options.number('compressionLevel', 'Compression Level'),
	};
}
