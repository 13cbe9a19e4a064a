import { backupFields, readBackupChoice } from '../shared/backup-field';
import { fileComponentField, readFileComponent } from '../shared/file-fields';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { verificationItems } from './verification-items';

const operation = ['filesDrill'];

/** Restores a backup of files into a throwaway folder and compares everything with the index. */
export const filesDrillOperation: Operation<'verify.filesDrill'> = {
	properties: [
		{
			displayName: 'The backup is restored, with all backups that it needs, into a new, throwaway folder, compared file by file with its index, and removed again. No other folder is touched.',
			name: 'filesDrillNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		fileComponentField({ operation }),
		...backupFields(
			{ operation },
			{
				defaultChoice: 'latest',
				sourceHelp: 'Name that the backup was given, or the path of the folder. Leave empty to take the newest backup of the component.',
				searchMethod: 'searchFileBackups',
			},
		),
		optionsCollection(operation, [
			{
				displayName: 'Drill Folder',
				name: 'folder',
				type: 'string',
				default: '',
				placeholder: 'e.g. /mnt/scratch',
				description: 'Folder with room for all files, in which the throwaway folder is made. Without it, the folder for temporary files is used.',
			},
			timeoutField,
		]),
	],

	async job({ parameters, store, decryption, folder }) {
		const path = parameters.collection('options').text('folder', 'Drill Folder');
		return {
			kind: 'verify.filesDrill',
			store: await store(),
			decryption: await decryption(),
			component: readFileComponent(parameters),
			backup: readBackupChoice(parameters),
			folder: path === undefined ? undefined : await folder(path, 'Drill Folder'),
		};
	},
	items: verificationItems,
};
