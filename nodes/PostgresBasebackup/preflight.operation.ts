import { plainData } from '../shared/plain-data';
import { optionsCollection, timeoutField } from '../shared/option-fields';
import type { Operation } from '../shared/operation';

/** Whether the server is ready for base backups and the archiving of WAL. */
export const preflightOperation: Operation<'postgres.replicationPreflight'> = {
	properties: [optionsCollection(['preflight'], [timeoutField])],
	job: async ({ connection, store }) => ({ kind: 'postgres.replicationPreflight', connection: await connection(), store: await store() }),
	items: (result) => [{ preflight: plainData(result) }],
	hints: ({ checks }) => checks.flatMap(({ check, state, detail, hint }) => (state === 'passed' ? [] : [{ message: `${check}: ${detail} ${hint ?? ''}`.trim(), type: state === 'failed' ? ('danger' as const) : ('warning' as const), location: 'outputPane' as const }])),
};
