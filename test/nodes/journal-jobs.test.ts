import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { BackupCatalog } from '../../nodes/BackupCatalog/BackupCatalog.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);

const ID = '20261122T020000Z-recovery-a1b2c3';
const store = { type: 'folder', path: '/backups', prefix: 'crm' };
const attempt = { recovery: ID, run: 'abc' };

async function run(parameters: INodeParameters, result: object, input: IDataObject[] = [{}]) {
	running.mockReset();
	running.mockResolvedValue(result as never);
	const node = new BackupCatalog();
	const { context } = fakeContext(node, { items: input.map(() => parameters), input });
	const [items = []] = await node.execute.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return { job: checkJob(running.mock.calls[0]?.[0]), items: items.map(({ json }) => json) };
}

test('a recovery begins with its stages, from a text or a list, and what was asked, from a text or an object', async () => {
	const begun = { recovery: { id: ID, run: 'abc' }, resumed: false, interruptedStage: null };
	const { job, items } = await run({ operation: 'beginRecovery', recoveryName: 'Recovery: Full', stages: ' fence, database ,redis', asked: '{ "recoveryPoint": "x" }', askedBy: 'Ana' }, begun);
	expect(job).toEqual({ kind: 'recovery.begin', store, name: 'Recovery: Full', stages: ['fence', 'database', 'redis'], asked: { recoveryPoint: 'x' }, by: 'Ana', execution: '', whenOpen: 'resume', takeOver: false, onlyTheSame: false });
	expect(items).toEqual([begun]);
	const other = await run({ operation: 'beginRecovery', recoveryName: 'R', stages: ['a-1'], asked: { n: 1 }, whenOpen: 'refuse', options: { takeOver: true, onlyTheSame: true, execution: 'e' } }, begun);
	expect(other.job).toMatchObject({ stages: ['a-1'], asked: { n: 1 }, whenOpen: 'refuse', takeOver: true, onlyTheSame: true, execution: 'e' });
});

test.each([
	['no stages', { stages: ' ,' }],
	['a stage with a strange name', { stages: 'fence, ../x' }],
	['something asked that is no object', { stages: 'fence', asked: '[1]' }],
])('%s: refused before anything is run', async (_what, parameters) => {
	running.mockReset();
	const node = new BackupCatalog();
	const { context } = fakeContext(node, { items: [{ operation: 'beginRecovery', recoveryName: 'R', ...parameters }] });
	await expect(node.execute.call(context)).rejects.toThrow(/^"(Stages|Asked For)"/);
	expect(running).not.toHaveBeenCalled();
});

test.each<[string, IDataObject[], object]>([
	['a result', [{ restore: { database: 'crm' } }], { outcome: 'done', detail: '', result: { restore: { database: 'crm' } } }],
	['several items', [{ a: 1 }, { b: 2 }], { outcome: 'done', detail: '', result: { items: [{ a: 1 }, { b: 2 }] } }],
	['nothing that needed to be done', [{ skipped: 'There is no Redis.' }], { outcome: 'skipped', detail: 'There is no Redis.', result: { skipped: 'There is no Redis.' } }],
	[
		'an error of this package',
		[{ error: 'It did not answer.', details: { code: 'SERVER_UNREACHABLE', hint: 'See that it runs.', node: 'Restore Redis', component: 'redis' } }],
		{ outcome: 'failed', error: { code: 'SERVER_UNREACHABLE', message: 'It did not answer.', hint: 'See that it runs.' }, reopen: [] },
	],
	['an error of another node', [{ error: { message: 'Bad Gateway' } }], { outcome: 'failed', error: { code: 'FAILED', message: 'Bad Gateway', hint: '' }, reopen: [] }],
	['a failure that puts stages back', [{ error: 'The files are not clean.', reopen: ['decide', 'uploads'] }], { outcome: 'failed', error: { code: 'FAILED', message: 'The files are not clean.', hint: '' }, reopen: ['decide', 'uploads'] }],
])('the next stage, after %s', async (_what, input, report) => {
	const recovery = { id: ID };
	const { job, items } = await run({ operation: 'nextStage', ...attempt }, { recovery, stage: 'redis', next: 'stage' }, input);
	expect(job).toEqual({ kind: 'recovery.next', store, ...attempt, report });
	expect(items).toEqual([{ stage: 'redis', next: 'stage', recovery }]);
});

test('after the last stage the item says so where a Switch looks', async () => {
	expect((await run({ operation: 'nextStage', ...attempt }, { recovery: {}, stage: null, next: 'finished' })).items).toEqual([{ stage: 'finished', next: 'finished', recovery: {} }]);
});

test.each([
	[{ what: 'started', stage: 'fence' }, { what: 'started', stage: 'fence' }],
	[{ what: 'ended', stage: 'fence' }, { what: 'ended', stage: 'fence', report: { outcome: 'done', detail: '', result: {} } }],
	[{ what: 'decision', question: 'Replace it?', answer: 'yes', decidedBy: 'Ana' }, { what: 'decision', question: 'Replace it?', answer: 'yes', by: 'Ana' }],
	[{ what: 'abandoned', reason: 'wrong one' }, { what: 'closed', outcome: 'abandoned', reason: 'wrong one' }],
	[{ what: 'succeeded' }, { what: 'closed', outcome: 'succeeded', reason: '' }],
])('one thing is written down: %j', async (parameters, note) => {
	expect((await run({ operation: 'recordStage', ...attempt, ...parameters }, { recovery: {} })).job).toEqual({ kind: 'recovery.note', store, ...attempt, note });
});

test('reading: by id, the newest, those that have not ended; one item also where there is none', async () => {
	expect((await run({ operation: 'readRecovery', whichRecovery: 'id', recoveryId: ID }, { recoveries: [{ id: ID }] })).job).toMatchObject({ kind: 'recovery.read', recovery: ID });
	const { job, items } = await run({ operation: 'readRecovery', whichRecovery: 'open', options: { name: 'Recovery: Full', limit: 3 } }, { recoveries: [] });
	expect(job).toEqual({ kind: 'recovery.read', store, name: 'Recovery: Full', open: true, limit: 3 });
	expect(items).toEqual([{ recovery: null }]);
});
