import { databaseField } from '../shared/database-field';
import type { Operation } from '../shared/operation';
import { compressionField, lockWaitField, optionsCollection, parallelJobsField, readLockWaitSeconds, timeoutField } from '../shared/option-fields';
import { plainData } from '../shared/plain-data';
import { confirmationField, dryRunField, dryRunHints, restoreCommon } from './restore-common';

const operation = ['replaceFromRecovered'];

/** A database of a recovered server in the place of the live one. */
export const replaceFromRecoveredOperation: Operation<'postgres.replaceFromRecovered'> = {
	properties: [
		databaseField({
			displayName: 'Live Database',
			name: 'database',
			description: 'The database to replace, on the server of the credential. It is dumped first, and kept under another name. It may be gone altogether.',
			displayOptions: { show: { operation } },
		}),
		{
			displayName: 'Recovered Server',
			name: 'recoveredHost',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. /recovery/crm/socket',
			displayOptions: { show: { operation } },
			description: 'Host name, or absolute path of the folder with its socket, as "Postgres Point in Time" yields it: recovery.server.host',
		},
		{
			displayName: 'Port of Recovered Server',
			name: 'recoveredPort',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 65535, numberPrecision: 0 },
			default: 5432,
			displayOptions: { show: { operation } },
			description: 'Its port, also for a socket: recovery.server.port',
		},
		{
			displayName: 'User of Recovered Server',
			name: 'recoveredUser',
			type: 'string',
			default: '',
			placeholder: 'e.g. postgres',
			displayOptions: { show: { operation } },
			description: 'Leave empty for the user of the credential: recovery.server.user. The password is that of the credential; a private socket asks for none.',
		},
		{
			displayName: 'Recovered Database',
			name: 'recoveredDatabase',
			type: 'string',
			default: '',
			placeholder: 'e.g. crm_dashboard',
			displayOptions: { show: { operation } },
			description: 'Its name on the recovered server. Leave empty where it has the same name as the live one.',
		},
		dryRunField('replaceFromRecovered'),
		confirmationField({ operation }, { placeholder: 'e.g. crm_dashboard', description: 'Type the name of the live database, so that the wrong one is never replaced' }),
		{
			displayName: 'Missing Roles',
			name: 'recoveredGlobals',
			type: 'options',
			displayOptions: { show: { operation } },
			options: [
				{ name: 'Create From Latest Globals Backup', value: 'latest', description: 'Roles that the live server lacks are created from the newest Globals backup in the store' },
				{ name: 'Fail', value: 'none', description: 'Stop before the live database is replaced and name the roles that are missing' },
			],
			default: 'none',
			description: 'What to do when roles that own or use something do not exist on the live server any more',
		},
		optionsCollection(operation, [compressionField, parallelJobsField, timeoutField, lockWaitField]),
	],

	async job(input) {
		const { parameters } = input;
		const options = parameters.collection('options');
		const common = await restoreCommon(input);
		return {
			kind: 'postgres.replaceFromRecovered',
			...common,
			store: await input.store(),
			encryption: await input.encryption(),
			decryption: await input.decryption(),
			database: parameters.located('database', 'Live Database'),
			recovered: {
				...common.connection,
				host: parameters.requiredText('recoveredHost', 'Recovered Server').trim(),
				port: parameters.number('recoveredPort', 'Port of Recovered Server'),
				user: parameters.text('recoveredUser', 'User of Recovered Server').trim() || common.connection.user,
			},
			recoveredDatabase: parameters.text('recoveredDatabase', 'Recovered Database'),
			globals: parameters.choice('recoveredGlobals', 'Missing Roles', ['none', 'latest']) === 'latest' ? { by: 'latest' } : null,
			parallelJobs: options.number('parallelJobs', 'Parallel Jobs'),
			compressionLevel: options.number('compressionLevel', 'Compression Level'),
			lockWaitSeconds: readLockWaitSeconds(options),
		};
	},
	items: (result) => [
		{
			replace: plainData(result),
			...(result.recoveredBackup !== null && { backup: plainData(result.recoveredBackup) }),
		},
	],
	hints: (result) => [
		...dryRunHints(result),
		...(result.dryRun ? result.checks : [])
			.filter(({ state }) => state === 'failed')
			.map(({ check, detail, hint }) => ({ message: `This would be refused. ${[`${check}: ${detail}`, hint].filter(Boolean).join(' ')}`, type: 'danger', location: 'outputPane' }) as const),
		...result.warnings.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	],
};
