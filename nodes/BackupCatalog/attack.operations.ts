import { optionsCollection, timeoutField } from '../shared/option-fields';
import type { Operation } from '../shared/operation';
import { plainData } from '../shared/plain-data';
import { listed, readNeeded } from './needed-field';

const lock = { show: { operation: ['lockStates'] } };
const forensics = { show: { operation: ['forensics'] } };
const forecast = { show: { operation: ['recoveryForecast'] } };

/** Whether anybody could delete the newest backups. */
export const lockStatesOperation: Operation<'catalog.lockStates'> = {
	properties: [
		{
			displayName: 'Newest',
			name: 'newest',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 10000, numberPrecision: 0 },
			default: 100,
			displayOptions: lock,
			description: 'Of how many backups to ask. Each of their objects is asked for in the store.',
		},
		optionsCollection(['lockStates'], [timeoutField]),
	],

	async job({ parameters, store }) {
		return { kind: 'catalog.lockStates', store: await store(), limit: parameters.number('newest', 'Newest') };
	},
	items: (locks) => [{ locks: plainData(locks) }],
};

/** Which recovery points can be trusted after an attack. */
export const cleanPointsOperation: Operation<'catalog.cleanPoints'> = {
	properties: [
		{
			displayName: 'Must Hold',
			name: 'needed',
			type: 'string',
			default: '',
			placeholder: 'e.g. postgres, files',
			displayOptions: { show: { operation: ['cleanPoints'] } },
			description: 'What the proposed recovery point must hold, separated by commas: postgres, redis, files, config, logs, n8n',
		},
		optionsCollection(['cleanPoints'], [timeoutField]),
	],

	async job({ parameters, store }) {
		return { kind: 'catalog.cleanPoints', store: await store(), needed: readNeeded(listed(parameters.text('needed', 'Must Hold'))) };
	},
	items: (cleanPoints) => [{ cleanPoints: plainData(cleanPoints) }],
};

/** What investigators need, every file with its hash. */
export const forensicsOperation: Operation<'forensics.collect'> = {
	properties: [
		{
			displayName: 'Folder',
			name: 'forensicsFolder',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /recovery',
			displayOptions: forensics,
			description: 'Absolute path of a folder that the attacker could not reach; a new folder is made in it. n8n must allow it, as with a store.',
		},
		{
			displayName: 'Evidence Folders',
			name: 'evidence',
			type: 'string',
			default: '',
			placeholder: 'e.g. /app/uploads, /app/logs',
			displayOptions: forensics,
			description: 'Folders whose files are listed with size, times and SHA-256, separated by commas; the files themselves are not copied',
		},
		{
			displayName: 'Note',
			name: 'forensicsNote',
			type: 'string',
			typeOptions: { rows: 3 },
			default: '',
			displayOptions: forensics,
			description: 'What happened and who collected this, for those who read it later',
		},
		optionsCollection(['forensics'], [timeoutField]),
	],

	async job({ parameters, store, folder }) {
		const places = listed(parameters.text('evidence', 'Evidence Folders'));
		return {
			kind: 'forensics.collect',
			store: await store(),
			folder: await folder(parameters.requiredText('forensicsFolder', 'Folder'), 'Folder'),
			evidence: await Promise.all(places.map((place) => folder(place, 'Evidence Folders'))),
			note: parameters.text('forensicsNote', 'Note'),
		};
	},
	items: (result) => [{ forensics: plainData(result) }],
	hints: ({ warnings }) => warnings.slice(0, 5).map((message) => ({ type: 'warning', location: 'outputPane', message })),
};

/** How long a recovery is going to take, told from drills. */
export const recoveryForecastOperation: Operation<'recovery.forecast'> = {
	properties: [
		{
			displayName: 'Runbook',
			name: 'runbook',
			type: 'string',
			default: 'Recovery: Drill',
			required: true,
			displayOptions: forecast,
			description: 'The name under which the drills were begun with Begin Recovery',
		},
		{
			displayName: 'Target (Minutes)',
			name: 'targetMinutes',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 60,
			displayOptions: forecast,
			description: 'In how much time a recovery should be done',
		},
		optionsCollection(['recoveryForecast'], [timeoutField]),
	],

	async job({ parameters, store }) {
		return { kind: 'recovery.forecast', store: await store(), name: parameters.requiredText('runbook', 'Runbook'), targetSeconds: parameters.number('targetMinutes', 'Target (Minutes)') * 60 };
	},
	items: (result) => [{ forecast: plainData(result) }],
};
