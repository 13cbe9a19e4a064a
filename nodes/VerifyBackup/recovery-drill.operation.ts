import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { baseFields, checkPagesField, readBase, readContainer, readServerFolder, serverFolderField, superuserField, waitMinutesField } from '../shared/recovery-fields';
import { verificationItems } from './verification-items';

const operation = ['recoveryDrill'];
const MODES = ['startHere', 'handOver'] as const;

/** A base backup with all archived WAL, recovered by a throwaway server. */
export const recoveryDrillOperation: Operation<'verify.recoveryDrill'> = {
	properties: [
		{
			displayName: 'The base backup is recovered with all archived WAL after it in a new, throwaway folder by a server of its own, all of its pages are read, and it is removed again. No other server is touched.',
			name: 'recoveryDrillNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...baseFields({ operation }),
		{
			displayName: 'Recovered By',
			name: 'recoveryMode',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Recovery Container', value: 'handOver', description: 'The service "postgres-recovery", which sees the same folder, starts the server' },
				{ name: 'This Machine', value: 'startHere', description: 'A server of this machine. PostgreSQL of the same major version must be installed here.' },
			],
			default: 'startHere',
			description: 'Who starts the server that recovers',
		},
		optionsCollection(operation, [
			{
				displayName: 'Drill Folder',
				name: 'folder',
				type: 'string',
				default: '',
				placeholder: 'e.g. /mnt/scratch',
				description: 'Folder with room for the whole server, in which the throwaway folder is made; the recovery container has to see it. Without it, the folder for temporary files is used.',
			},
			checkPagesField,
			serverFolderField,
			superuserField,
			timeoutField,
			waitMinutesField,
		]),
	],

	async job(input) {
		const { parameters, store, decryption, folder } = input;
		const options = parameters.collection('options');
		const path = options.text('folder', 'Drill Folder');
		return {
			kind: 'verify.recoveryDrill',
			store: await store(),
			decryption: await decryption(),
			base: readBase(parameters),
			serverFolder: await readServerFolder(options, folder),
			container: parameters.choice('recoveryMode', 'Recovered By', MODES) === 'handOver' ? await readContainer(input) : undefined,
			folder: path === undefined ? undefined : await folder(path, 'Drill Folder'),
			user: options.text('user', 'Superuser'),
			checkPages: options.flag('checkPages', 'Read All Pages'),
		};
	},
	items: verificationItems,
};
