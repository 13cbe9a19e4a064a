import type { INodeProperties } from 'n8n-workflow';
import { backupIdSchema } from '../../lib/catalog/manifest';
import type { BackupChoice } from '../../lib/jobs/schema/postgres-restore-jobs';
import { type Parameters, wrong } from './parameters';

type DisplayOptions = NonNullable<INodeProperties['displayOptions']>;

/** A resource locator for one backup: from the store's real list (`searchMethod`), or by its ID. */
export function backupLocator(field: {
	displayName: string;
	name: string;
	description: string;
	searchMethod: string;
	displayOptions: DisplayOptions;
}): INodeProperties {
	const { searchMethod, ...rest } = field;
	return {
		...rest,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				placeholder: 'Select a backup…',
				typeOptions: { searchListMethod: searchMethod, searchable: true },
			},
			{
				displayName: 'By ID',
				name: 'id',
				type: 'string',
				placeholder: 'e.g. 20261122T020000Z-full-a1b2c3',
				hint: 'The ID is the name of the folder in the store',
				validation: [
					{
						type: 'regex',
						properties: {
							regex: '^[0-9]{8}T[0-9]{6}Z-[a-z]+-[0-9a-z]{6}$',
							errorMessage: 'This is not the ID of a backup, e.g. 20261122T020000Z-full-a1b2c3',
						},
					},
				],
			},
		],
	};
}

export interface BackupFieldTexts {
	defaultChoice: 'latest' | 'latestVerified';
	/** What the name of the backed-up database means here when it is left empty. */
	sourceHelp: string;
	searchMethod?: string;
	/** The field for the source's name, where it is no database. */
	sourceLabel?: string;
	sourcePlaceholder?: string;
}

/** The three fields with which a person says which backup to use. */
export function backupFields(
	show: NonNullable<DisplayOptions['show']>,
	{ defaultChoice, sourceHelp, searchMethod = 'searchBackups', sourceLabel = 'Backed-Up Database', sourcePlaceholder = 'e.g. crm_dashboard' }: BackupFieldTexts,
): INodeProperties[] {
	return [
		{
			displayName: 'Backup',
			name: 'backupChoice',
			type: 'options',
			displayOptions: { show },
			options: [
				{
					name: 'Latest',
					value: 'latest',
					description: 'The newest backup that is not known to be damaged',
				},
				{
					name: 'Latest Verified',
					value: 'latestVerified',
					description: 'The newest backup that has passed a verification',
				},
				{ name: 'Specific Backup', value: 'id', description: 'One backup that you choose from the list, or by its ID' },
			],
			default: defaultChoice,
			description: 'Which backup to use',
		},
		backupLocator({
			displayName: 'Backup to Use',
			name: 'backup',
			description: 'The backup, newest first',
			searchMethod: searchMethod,
			displayOptions: { show: { ...show, backupChoice: ['id'] } },
		}),
		{
			displayName: sourceLabel,
			name: 'source',
			type: 'string',
			default: '',
			placeholder: sourcePlaceholder,
			description: sourceHelp,
			displayOptions: { show: { ...show, backupChoice: ['latest', 'latestVerified'] } },
		},
	];
}

/** @param defaultSource the source to take the newest backup of, where the person named none */
export function readBackupChoice(parameters: Parameters, defaultSource?: string): BackupChoice {
	const by = parameters.choice('backupChoice', 'Backup', ['latest', 'latestVerified', 'id']);
	if (by === 'id') return { by, id: readBackupId(parameters.located('backup', 'Backup to Use'), 'Backup to Use') };
	const source = parameters.text('source', 'Backed-Up Database') || defaultSource;
	return { by, ...(source === undefined ? {} : { source }) };
}

export function readBackupId(text: string, label: string): string {
	const parsed = backupIdSchema.safeParse(text.trim());
	if (parsed.success) return parsed.data;
	throw wrong(label, 'is not the ID of a backup', 'Choose one from the list, or copy the ID from the catalog, e.g. 20261122T020000Z-full-a1b2c3.');
}
