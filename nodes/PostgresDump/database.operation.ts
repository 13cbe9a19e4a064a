import type { INodeProperties } from 'n8n-workflow';
import { databaseField } from '../shared/database-field';
import { readNames, readTables } from '../shared/name-lists';
import { backupItems, warningHints } from '../shared/backup-items';
import type { Operation } from '../shared/operation';
import {
	compressionField,
	lockWaitField,
	noteField,
	optionsCollection,
	parallelJobsField,
	timeoutField,
} from '../shared/option-fields';
import { dumpCommon } from './dump-common';

const selectionFields: INodeProperties[] = [
	{
		displayName: 'Exclude Schema Names or IDs',
		name: 'excludeSchemas',
		type: 'multiOptions',
		typeOptions: { loadOptionsMethod: 'getSchemas', loadOptionsDependsOn: ['database.value'] },
		default: [],
		description:
			'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
	},
	{
		displayName: 'Exclude Table Names or IDs',
		name: 'excludeTables',
		type: 'multiOptions',
		typeOptions: { loadOptionsMethod: 'getTables', loadOptionsDependsOn: ['database.value'] },
		default: [],
		description:
			'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
	},
	{
		displayName: 'Include Schema Names or IDs',
		name: 'includeSchemas',
		type: 'multiOptions',
		typeOptions: { loadOptionsMethod: 'getSchemas', loadOptionsDependsOn: ['database.value'] },
		default: [],
		description:
			'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
	},
	{
		displayName: 'Include Table Names or IDs',
		name: 'includeTables',
		type: 'multiOptions',
		typeOptions: { loadOptionsMethod: 'getTables', loadOptionsDependsOn: ['database.value'] },
		default: [],
		description:
			'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
	},
];

/** The whole of one database, or chosen schemas and tables of it, in one consistent snapshot. */
export const databaseOperation: Operation<'postgres.dumpDatabase'> = {
	properties: [
		{
			displayName: 'Selection',
			name: 'selection',
			type: 'collection',
			placeholder: 'Add selection',
			default: {},
			displayOptions: { show: { operation: ['database'] } },
			description: 'What to back up. Without a selection it is everything; with one the backup counts as partial.',
			options: selectionFields,
		},
		optionsCollection(
			['database'],
			[
				compressionField,
				{
					displayName: 'Content Fingerprint',
					name: 'fingerprint',
					type: 'boolean',
					default: false,
					description:
						'Whether to take a fingerprint of every table besides its row count, so that a restore drill proves the contents too. Reads every table a second time.',
				},
				{
					displayName: 'Format',
					name: 'format',
					type: 'options',
					options: [
						{
							name: 'Custom',
							value: 'custom',
							description: 'One archive that is streamed into the store. Needs no temporary space.',
						},
						{
							name: 'Directory',
							value: 'directory',
							description: 'Several tables at a time. Needs temporary space for the uncompressed dump.',
						},
					],
					default: 'custom',
					description: 'How pg_dump writes the archive. Both are restored with pg_restore.',
				},
				noteField,
				{
					displayName: 'Safety Backup',
					name: 'safety',
					type: 'boolean',
					default: false,
					description:
						'Whether this is taken because the database is about to be replaced or changed. It is listed apart and restored only when chosen by its ID: "latest" never means it. Only without a selection.',
				},
				{ ...parallelJobsField, displayOptions: { show: { format: ['directory'] } } },
				timeoutField,
				lockWaitField,
			],
		),
	],

	async job(input) {
		const { parameters } = input;
		const selection = parameters.collection('selection');
		const options = parameters.collection('options');
		const format = options.choice('format', 'Format', ['custom', 'directory']) ?? 'custom';
		return {
			kind: 'postgres.dumpDatabase',
			...(await dumpCommon(input)),
			database: parameters.located('database', 'Database'),
			format,
			parallelJobs: format === 'directory' ? options.number('parallelJobs', 'Parallel Jobs') : undefined,
			includeSchemas: readNames(selection.raw('includeSchemas'), 'Include Schema Names or IDs'),
			excludeSchemas: readNames(selection.raw('excludeSchemas'), 'Exclude Schema Names or IDs'),
			includeTables: readTables(selection.raw('includeTables'), 'Include Table Names or IDs'),
			excludeTables: readTables(selection.raw('excludeTables'), 'Exclude Table Names or IDs'),
			fingerprint: options.flag('fingerprint', 'Content Fingerprint'),
			safety: options.flag('safety', 'Safety Backup'),
		};
	},
	items: backupItems,
	hints: warningHints,
};

/** The database field, which two operations share. */
export const dumpedDatabaseField = databaseField({
	displayName: 'Database',
	name: 'database',
	description: 'The database to back up',
	displayOptions: { show: { operation: ['database', 'changedRows'] } },
});
