import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { baseFields, checkPagesField, readBase, readServerFolder, serverFolderField, superuserField } from '../shared/recovery-fields';
import { verificationItems } from './verification-items';

const operation = ['recoveryDrill'];

/** A base backup with all archived WAL, recovered by a throwaway server. */
export const recoveryDrillOperation: Operation<'verify.recoveryDrill'> = {
	properties: [
		{
			displayName: 'The base backup is recovered with all archived WAL after it in a new, throwaway folder by a server of this machine, all of its pages are read, and it is removed again. No other server is touched.',
			name: 'recoveryDrillNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		...baseFields({ operation }),
		optionsCollection(operation, [
			{
				displayName: 'Drill Folder',
				name: 'folder',
				type: 'string',
				default: '',
				placeholder: 'e.g. /mnt/scratch',
				description: 'Folder with room for the whole server, in which the throwaway folder is made. Without it, the folder for temporary files is used.',
			},
			checkPagesField,
			serverFolderField,
			superuserField,
			timeoutField,
		]),
	],

	async job({ parameters, store, decryption, folder }) {
		const options = parameters.collection('options');
		const path = options.text('folder', 'Drill Folder');
		return {
			kind: 'verify.recoveryDrill',
			store: await store(),
			decryption: await decryption(),
			base: readBase(parameters),
			serverFolder: await readServerFolder(options, folder),
			folder: path === undefined ? undefined : await folder(path, 'Drill Folder'),
			user: options.text('user', 'Superuser'),
			checkPages: options.flag('checkPages', 'Read All Pages'),
		};
	},
	items: verificationItems,
};
