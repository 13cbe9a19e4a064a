import { databaseField } from '../shared/database-field';
import { questionField } from '../shared/incident-fields';
import type { Operation } from '../shared/operation';
import { optionsCollection, timeoutField } from '../shared/option-fields';

const operation = ['askQuestion'];

/** Whether the damage of an incident is there now. */
export const askQuestionOperation: Operation<'postgres.askDamaged'> = {
	properties: [
		databaseField({ displayName: 'Database', name: 'database', description: 'The database to ask, on the server of the credential', displayOptions: { show: { operation } } }),
		questionField({ operation }),
		optionsCollection(operation, [timeoutField]),
	],

	async job({ parameters, connection }) {
		return {
			kind: 'postgres.askDamaged',
			connection: await connection(),
			question: { database: parameters.located('database', 'Database'), sql: parameters.requiredText('question', 'Question') },
		};
	},
	items: ({ damaged, askedAt }) => [{ damaged, askedAt }],
};
