import type { RecoverResult } from '../../lib/jobs/results';
import { momentIn } from '../shared/moment';
import type { Operation, OperationInput } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import { wrong } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { baseFields, checkPagesField, readBase, readContainer, readServerFolder, serverFolderField, superuserField, waitMinutesField } from '../shared/recovery-fields';
import { dryRunField, dryRunHints } from './restore-common';

const operation = ['postgresPointInTime'];
const TARGETS = ['latest', 'time', 'lsn', 'name', 'xid'] as const;
const MODES = ['startHere', 'handOver', 'prepareOnly'] as const;
/** With an offset a time is exact as it is, to the microsecond. */
const EXACT_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

/** A whole server as it was at a moment, beside the live one. */
export const postgresPointInTimeOperation: Operation<'postgres.recover'> = {
	properties: [
		{
			displayName: 'The whole server is recovered in a folder of its own; no live server is touched. Afterwards "Replace From Recovered" can put one of its databases in the place of the live one.',
			name: 'pointInTimeNotice',
			type: 'notice',
			default: '',
			displayOptions: { show: { operation } },
		},
		{
			displayName: 'Recover To',
			name: 'targetBy',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Latest', value: 'latest', description: 'The newest state that is archived' },
				{ name: 'LSN', value: 'lsn', description: 'A place in the write-ahead log' },
				{ name: 'Restore Point', value: 'name', description: 'A point that was made by pg_create_restore_point()' },
				{ name: 'Time', value: 'time', description: 'Everything that was committed up to a moment' },
				{ name: 'Transaction', value: 'xid', description: 'Everything up to a certain transaction' },
			],
			default: 'time',
			description: 'Where the recovery stops',
		},
		{
			displayName: 'Time',
			name: 'targetTime',
			type: 'dateTime',
			default: '',
			required: true,
			displayOptions: { show: { operation, targetBy: ['time'] } },
			description: "The moment, by the clock of the server that was backed up; without an offset, in the workflow's time zone",
		},
		{
			displayName: 'LSN',
			name: 'targetLsn',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 16/B374D848',
			displayOptions: { show: { operation, targetBy: ['lsn'] } },
			description: 'As pg_current_wal_lsn() shows it',
		},
		{
			displayName: 'Restore Point',
			name: 'targetName',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. before the migration',
			displayOptions: { show: { operation, targetBy: ['name'] } },
			description: 'The name that pg_create_restore_point() was given',
		},
		{
			displayName: 'Transaction ID',
			name: 'targetXid',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 31415',
			displayOptions: { show: { operation, targetBy: ['xid'] } },
			description: 'As pg_current_xact_id() showed it',
		},
		...baseFields({ operation }),
		{
			displayName: 'Recovery Folder',
			name: 'recoveryFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /recovery/crm',
			displayOptions: { show: { operation } },
			description: 'Where the server is recovered: a folder that does not exist yet or is empty, with room for the whole server and its WAL',
			hint: 'n8n must be allowed to use it: N8N_RESTRICT_FILE_ACCESS_TO',
		},
		{
			displayName: 'Recovered By',
			name: 'recoveryMode',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Nobody Yet', value: 'prepareOnly', description: 'Everything is laid out, and you start the server yourself' },
				{ name: 'Recovery Container', value: 'handOver', description: 'The service "postgres-recovery", which sees the same folder, starts the server' },
				{ name: 'This Machine', value: 'startHere', description: 'A server of this machine, on a private socket in the recovery folder. PostgreSQL of the same major version must be installed here.' },
			],
			default: 'startHere',
			description: 'Who starts the server that recovers',
		},
		dryRunField('postgresPointInTime'),
		optionsCollection(operation, [
			checkPagesField,
			serverFolderField,
			{
				displayName: 'Stop Before Target',
				name: 'exclusive',
				type: 'boolean',
				default: false,
				description: 'Whether to stop just before the target instead of just after it, e.g. before the transaction that did the damage',
			},
			superuserField,
			{
				displayName: 'Timeline',
				name: 'timeline',
				type: 'number',
				typeOptions: { minValue: 1, numberPrecision: 0 },
				default: 1,
				description: 'The timeline to follow. Without it, the newest to which the base backup leads.',
			},
			timeoutField,
			waitMinutesField,
		]),
	],

	async job(input) {
		const { parameters } = input;
		const options = parameters.collection('options');
		return {
			kind: 'postgres.recover',
			store: await input.store(),
			decryption: await input.decryption(),
			base: readBase(parameters),
			target: readTarget(input),
			inclusive: options.flag('exclusive', 'Stop Before Target') !== true,
			timeline: options.number('timeline', 'Timeline'),
			folder: await input.folder(parameters.requiredText('recoveryFolder', 'Recovery Folder'), 'Recovery Folder'),
			destination: await readDestination(input),
			user: options.text('user', 'Superuser'),
			checkPages: options.flag('checkPages', 'Read All Pages'),
			dryRun: parameters.flag('dryRun', 'Dry Run'),
		};
	},
	items: (result) => [{ recovery: plainData(result) }],
	hints: (result) => [...dryRunHints(result), ...refusalHints(result), ...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const)],
};

function refusalHints({ dryRun, checks }: RecoverResult) {
	if (!dryRun) return [];
	return checks
		.filter(({ state }) => state === 'failed')
		.map(({ check, detail, hint }) => ({ message: `This recovery would be refused. ${[`${check}: ${detail}`, hint].filter(Boolean).join(' ')}`, type: 'danger', location: 'outputPane' }) as const);
}

function readTarget({ parameters, timeZone }: OperationInput) {
	const by = parameters.choice('targetBy', 'Recover To', TARGETS);
	switch (by) {
		case 'latest':
			return { by };
		case 'time':
			return { by, time: readTime(parameters.raw('targetTime'), timeZone) };
		case 'lsn':
			return { by, lsn: parameters.requiredText('targetLsn', 'LSN').trim() };
		case 'name':
			return { by, name: parameters.requiredText('targetName', 'Restore Point') };
		case 'xid':
			return { by, xid: readXid(parameters.raw('targetXid')) };
	}
}

function readTime(value: unknown, timeZone: string): string {
	if (typeof value === 'string' && EXACT_TIME.test(value.trim())) return value.trim().replace(' ', 'T');
	return momentIn(value, timeZone, 'Time');
}

/** An expression may yield it as a number. */
function readXid(value: unknown): string {
	const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
	if (/^\d+$/.test(text)) return text;
	throw wrong('Transaction ID', 'is not a number', 'Use what pg_current_xact_id() showed, e.g. 31415.');
}

async function readDestination(input: OperationInput) {
	const { parameters, folder } = input;
	const mode = parameters.choice('recoveryMode', 'Recovered By', MODES);
	switch (mode) {
		case 'startHere':
			return { mode, serverFolder: await readServerFolder(parameters.collection('options'), folder) };
		case 'handOver':
			return { mode, ...(await readContainer(input)) };
		case 'prepareOnly':
			return { mode };
	}
}
