import type { IDataObject } from 'n8n-workflow';
import { COMPONENTS } from '../../lib/catalog/component';
import type { CopyOutcome } from '../../lib/jobs/results';
import { backupFields, readBackupChoice } from '../shared/backup-field';
import { componentField, componentOptions } from '../shared/component-field';
import type { Operation } from '../shared/operation';
import { lockWaitField, optionsCollection, readLockWaitSeconds, timeoutField } from '../shared/option-fields';
import type { Parameters } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { readRecheck, recheckField } from './recheck-field';
import { readRecoveryPointChoice, recoveryPointFields } from './recovery-point-field';

const operation = ['copy'];

/** Brings backups from the store to the target store, each file read back, the manifest last. */
export const copyOperation: Operation<'catalog.copy'> = {
	properties: [
		{
			displayName: 'What to Copy',
			name: 'what',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Everything Missing', value: 'missing', description: 'Every backup that the target store lacks' },
				{ name: 'One Backup', value: 'backup', description: 'A backup, and those that it needs to be restored' },
				{ name: 'Recovery Point', value: 'recoveryPoint', description: 'All backups of one run' },
			],
			default: 'missing',
			description: 'Which backups to bring to the target store. Backups are copied as they are stored, so encrypted ones need no key.',
		},
		{ ...componentField, displayOptions: { show: { operation, what: ['backup'] } } },
		...backupFields(
			{ operation, what: ['backup'] },
			{
				defaultChoice: 'latest',
				sourceHelp: 'Name of what was backed up, such as a database. Leave empty to take the newest backup of the component.',
				searchMethod: 'searchAllBackups',
			},
		),
		...recoveryPointFields({ operation, what: ['recoveryPoint'] }),
		optionsCollection(operation, [
			recheckField,
			{
				displayName: 'Only Component',
				name: 'onlyComponent',
				type: 'options',
				options: componentOptions,
				default: 'postgres',
				description: 'Of everything missing, copy only backups of this part of the stack',
			},
			{
				displayName: 'Only From Last Days',
				name: 'withinDays',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 30,
				description: 'Of everything missing, copy only backups of the last so many days: as many as the target store keeps them, or what was pruned there comes back',
			},
			timeoutField,
			{ ...lockWaitField, default: 10 },
		]),
	],

	async job({ parameters, store, target }) {
		const options = parameters.collection('options');
		return {
			kind: 'catalog.copy',
			store: await store(),
			target: await target(),
			selection: readSelection(parameters),
			recheck: readRecheck(options),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: copyItems,
};

function readSelection(parameters: Parameters) {
	const what = parameters.choice('what', 'What to Copy', ['missing', 'backup', 'recoveryPoint']);
	const options = parameters.collection('options');
	switch (what) {
		case 'missing':
			return {
				what,
				component: options.choice('onlyComponent', 'Only Component', COMPONENTS),
				withinDays: options.number('withinDays', 'Only From Last Days') || undefined,
			};
		case 'backup':
			return { what, component: parameters.choice('component', 'Component', COMPONENTS), backup: readBackupChoice(parameters) };
		case 'recoveryPoint':
			return { what, recoveryPoint: readRecoveryPointChoice(parameters) };
	}
}

/** One item for the whole copy, so that a workflow goes on also when there was nothing to copy. */
function copyItems(outcome: CopyOutcome): IDataObject[] {
	return [{ copy: plainData({ ...outcome, copied: outcome.copies.filter((copy) => copy.outcome !== 'present').length }) }];
}
