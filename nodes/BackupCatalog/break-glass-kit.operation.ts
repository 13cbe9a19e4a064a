import { allowUnencryptedField, optionsCollection, timeoutField } from '../shared/option-fields';
import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';

const operation = ['breakGlassKit'];
const displayOptions = { show: { operation } };

/** Writes what people need on the day on which n8n is gone, and proves it in an empty folder. */
export const breakGlassKitOperation: Operation<'breakGlass.write'> = {
	properties: [
		{ displayName: 'Title', name: 'kitTitle', type: 'string', default: 'Recovery', displayOptions, description: 'What stands above the steps, e.g. the name of the company or application' },
		{
			displayName: 'Contacts and Notes',
			name: 'kitNotes',
			type: 'string',
			typeOptions: { rows: 6 },
			default: '',
			placeholder: 'e.g. DBA: Maria, +55 11 99999-2222. The secret key is in the safe of …',
			displayOptions,
			description: 'Printed below the steps: who is to be called, and where the secret keys are kept. Not the keys themselves.',
		},
		{
			displayName: 'Include Keys of the Store',
			name: 'includeStoreKeys',
			type: 'boolean',
			default: false,
			displayOptions,
			description: 'Whether to put the access keys of the bucket into the kit, which is encrypted. Use keys that may only read.',
		},
		optionsCollection(operation, [allowUnencryptedField, timeoutField]),
	],

	async job({ parameters, store, target, encryption, decryption }) {
		return {
			kind: 'breakGlass.write',
			store: await store(),
			target: await target(),
			encryption: await encryption(),
			decryption: await decryption(),
			title: parameters.text('kitTitle', 'Title').trim() || 'Recovery',
			notes: parameters.text('kitNotes', 'Contacts and Notes'),
			includeStoreKeys: parameters.flag('includeStoreKeys', 'Include Keys of the Store'),
			allowUnencrypted: parameters.collection('options').flag('allowUnencrypted', 'Allow Unencrypted'),
		};
	},
	items: (result) => [plainData(result)],
	hints: ({ warnings }) => warnings.map((message) => ({ type: 'warning', location: 'outputPane', message })),
};
