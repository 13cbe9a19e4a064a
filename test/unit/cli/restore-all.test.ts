import { exampleTargets } from '../../../cli/restore-all/example';
import { planStages } from '../../../cli/restore-all/stages';
import { targetsSchema } from '../../../cli/restore-all/targets';
import type { RecoveryPointSummary } from '../../../lib/jobs/results';

type Member = RecoveryPointSummary['members'][number];
const member = (component: Member['component'], source: string, kind: Member['kind'] = 'full', state: Member['state'] = 'present'): Member => ({
	component,
	kind,
	source,
	backup: `20261122T020000Z-${kind}-${component.slice(0, 6).padEnd(6, '0')}`,
	asOf: { from: '2026-11-22T02:00:00Z', to: '2026-11-22T02:00:00Z', exact: true },
	state,
	verified: null,
});
const members = [member('n8n', 'n8n'), member('files', 'uploads'), member('postgres', 'db:5432', 'globals'), member('postgres', 'crm'), member('postgres', 'db:5432', 'base'), member('redis', 'sessions'), member('config', 'app'), member('logs', 'logs')];
const targets = (changes: object = {}) =>
	targetsSchema.parse({
		postgres: { connection: { host: 'new', user: 'postgres' } },
		redis: [{ source: 'sessions', connection: { deployment: { mode: 'standalone', host: 'new' } } }],
		files: [{ source: 'uploads', folder: '/app/uploads' }],
		config: [{ source: 'app', folder: '/app/config' }],
		n8n: [{ source: 'n8n', dataFolder: '/home/node/.n8n' }],
		leaveOut: ['logs'],
		...changes,
	});

test('the database comes first, with the roles of the same run, and n8n last', () => {
	const { stages, problems, leftOut } = planStages({ members }, targets());
	expect(problems).toEqual([]);
	expect(stages.map(({ name }) => name)).toEqual(['postgres/crm', 'redis/sessions', 'files/uploads', 'config/app', 'n8n/n8n']);
	expect(stages[0]).toMatchObject({ database: 'crm', globals: members[2]?.backup });
	expect(leftOut.map(({ name }) => name)).toEqual(['postgres/db:5432 (base)', 'logs/logs (full)']);
});

test.each<[string, object, string]>([
	['a member without a place', { config: [] }, 'config/app has no place'],
	['a place without a member', { files: [{ source: 'uplaods', folder: '/app/uploads' }] }, 'holds no files/uplaods'],
	['a database that was never backed up', { postgres: { connection: { host: 'new', user: 'postgres' }, databases: { other: 'other' } } }, 'holds no postgres/other'],
	['two backups for one folder', { config: [{ source: 'app', folder: '/app/uploads' }] }, 'Two backups would go into the folder /app/uploads'],
])('%s is told before anything is done', (_what, changes, problem) => {
	expect(planStages({ members }, targets(changes)).problems.join(' ')).toContain(problem);
});

test('what is gone from the store is told, and nothing is left out for it', () => {
	const { problems, stages } = planStages({ members: [member('files', 'uploads', 'full', 'gone')] }, targets({ postgres: undefined, redis: [], config: [], n8n: [] }));
	expect(problems).toEqual([expect.stringContaining('not in this store')]);
	expect(stages).toEqual([]);
});

test('a database named like a property of every object keeps its name', () => {
	expect(planStages({ members: [member('postgres', 'constructor')] }, targets({ redis: [], files: [], config: [], n8n: [] })).stages).toMatchObject([{ database: 'constructor' }]);
});

test('the example of a targets file has a place for every member, and is valid once its secrets are filled in', () => {
	const example = JSON.parse(JSON.stringify(exampleTargets({ members })).replaceAll(/\{"fromFile":"[^"]*"\}/g, '"secret"')) as object;
	expect(planStages({ members }, targetsSchema.parse(example)).problems).toEqual([]);
});
