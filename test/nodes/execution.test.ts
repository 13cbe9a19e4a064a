import { NodeOperationError } from 'n8n-workflow';
import { BackupError, cancelled } from '../../lib/core/errors';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { ArchiveFiles } from '../../nodes/ArchiveFiles/ArchiveFiles.node';
import { BackupCatalog } from '../../nodes/BackupCatalog/BackupCatalog.node';
import { PostgresDump } from '../../nodes/PostgresDump/PostgresDump.node';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { fakeContext, type FakeOptions, postgresCredential } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
const node = new PostgresDump();
const dump = (name: string) => ({ operation: 'database', database: { __rl: true, mode: 'name', value: name } });
const refused = new BackupError('SERVER_UNREACHABLE', 'db:5432 refused the connection (ECONNREFUSED).', 'See that the server runs.');

beforeEach(() => {
	running.mockReset();
	running.mockImplementation(async (job) => ({ backup: { id: 'x', source: 'database' in job ? job.database : '', warnings: [] } }) as never);
});

async function execute(options: FakeOptions) {
	const { context, observed } = fakeContext(node, options);
	const output = await node.execute.call(context);
	return { output: output[0] ?? [], observed };
}

async function failure(options: FakeOptions): Promise<NodeOperationError> {
	try {
		await execute(options);
	} catch (error) {
		expect(error).toBeInstanceOf(NodeOperationError);
		return error as NodeOperationError;
	}
	throw new Error('the node did not fail');
}

test('one backup for each input item, each linked to its item', async () => {
	const { output } = await execute({ items: [dump('one'), dump('two')] });
	expect(output).toEqual([
		{ json: { backup: { id: 'x', source: 'one', warnings: [] } }, pairedItem: { item: 0 } },
		{ json: { backup: { id: 'x', source: 'two', warnings: [] } }, pairedItem: { item: 1 } },
	]);
});

test('a job error reaches the person word by word, with what to do next', async () => {
	running.mockRejectedValue(refused);
	const error = await failure({ items: [dump('one')] });
	expect(error.message).toBe('db:5432 refused the connection (ECONNREFUSED).');
	expect(error.description).toBe('See that the server runs. (Code: SERVER_UNREACHABLE)');
	expect(error.context.itemIndex).toBe(0);
});

test('going on after errors gives n8n the shape that it sends to the error output', async () => {
	running.mockRejectedValueOnce(refused);
	const { output } = await execute({ items: [dump('one'), dump('two')], continueOnFail: true });
	expect(output[0]).toEqual({
		json: { error: 'db:5432 refused the connection (connection refused).', details: { code: 'SERVER_UNREACHABLE', hint: refused.hint, node: 'Postgres Dump', component: 'postgres' } },
		pairedItem: { item: 0 },
	});
	expect(output[1]?.json.backup).toMatchObject({ source: 'two' });
});

test.each([
	['the component that it was at work on', 'config', 'config'],
	['none where that is what is wrong', 'nonsense', null],
])('a failed archive names %s', async (_what, component, named) => {
	running.mockRejectedValue(refused);
	const archive = new ArchiveFiles();
	const { context } = fakeContext(archive, { items: [{ operation: 'full', component, folder: '/app' }], continueOnFail: true });
	expect((await archive.execute.call(context))[0]?.[0]?.json.details).toMatchObject({ node: 'Archive Files', component: named });
});

test('Stop ends the node, also where it is set to go on after errors', async () => {
	const controller = new AbortController();
	running.mockImplementation(async (_job, options) => {
		controller.abort();
		expect(options?.signal?.aborted).toBe(true);
		throw cancelled();
	});
	const error = await failure({ items: [dump('one'), dump('two')], continueOnFail: true, signal: controller.signal });
	expect(error.message).toBe('The job was cancelled.');
	expect(running).toHaveBeenCalledTimes(1);
});

test('an execution that was stopped before starts no job', async () => {
	await failure({ items: [dump('one')], continueOnFail: true, signal: AbortSignal.abort() });
	expect(running).not.toHaveBeenCalled();
});

test('a store that n8n keeps closed is refused before any job, naming the variable', async () => {
	const error = await failure({ items: [dump('one')], blocked: true });
	expect(error.message).toContain('/backups');
	expect(error.description).toContain('N8N_RESTRICT_FILE_ACCESS_TO');
	expect(running).not.toHaveBeenCalled();
});

test('the time-out of the options becomes the job\'s; 0 means none', async () => {
	await execute({ items: [{ ...dump('one'), options: { timeout: 5 } }, { ...dump('two'), options: { timeout: 0 } }] });
	expect(running.mock.calls.map(([, options]) => options?.timeoutMs)).toEqual([300_000, undefined]);
});

test('warnings stand above the output, progress goes to the browser', async () => {
	running.mockImplementation(async (_job, options) => {
		for (let done = 0; done <= 100; done++) options?.onProgress?.({ step: 'Dumping crm', done: done * 1e6, total: 1e8, unit: 'bytes' });
		options?.onProgress?.({ step: 'Publishing' });
		return { backup: { id: 'x', warnings: ['Two tables have no primary key.'] } } as never;
	});
	const { observed } = await execute({ items: [dump('one')] });
	expect(observed.hints).toEqual([{ message: 'Two tables have no primary key.', type: 'warning', location: 'outputPane' }]);
	expect(observed.messages).toEqual(['Dumping crm: 0 % (0.0 MB of 100.0 MB)', 'Publishing']);
});

test('no error and no item repeats the password', async () => {
	for (const database of [42, '', null, { mode: 'name' }]) {
		const { message, description } = await failure({ items: [{ operation: 'database', database }] });
		expect(`${message} ${description}`).not.toContain(postgresCredential.password);
	}
	const { output } = await execute({ items: [dump('one')] });
	expect(JSON.stringify(output)).not.toContain('p@ss');
});

test.each([
	['an empty database name', dump(''), '"Database" is empty.'],
	['a number as database', dump(42 as never), '"Database" is not a text.'],
	['a table without a schema', { ...dump('crm'), selection: { includeTables: ['logs'] } }, '"Include Table Names or IDs" holds an entry that names no table.'],
	['a table with too many parts', { ...dump('crm'), selection: { excludeTables: ['a.b.c'] } }, '"Exclude Table Names or IDs" holds an entry that names no table.'],
	['a level that is no number', { ...dump('crm'), options: { compressionLevel: 'high' } }, '"Compression Level" is not a number.'],
	['an unknown format', { ...dump('crm'), options: { format: 'plain' } }, '"Format" is none of the possible values.'],
	['an unknown operation', { operation: 'everything' }, '"Operation" is none of the possible values.'],
	['an inverted window', { operation: 'changedRows', database: dump('crm').database, tables: ['public.logs'], window: 'between', from: '2026-11-22T10:00:00', to: '2026-11-22T09:00:00' }, '"From" is not before "To".'],
	['a window that is no time', { operation: 'changedRows', database: dump('crm').database, tables: ['public.logs'], window: 'between', from: 'yesterday', to: '2026-11-22' }, '"From" is not a date and time.'],
])('%s is refused before any job', async (_what, parameters, message) => {
	const error = await failure({ items: [parameters] });
	expect(error.message).toBe(message);
	expect(running).not.toHaveBeenCalled();
});

test('an ID that is a path is refused before any job', async () => {
	const restore = new RestoreBackup();
	const { context } = fakeContext(restore, {
		items: [{ operation: 'postgresDatabase', backupChoice: 'id', backup: { __rl: true, mode: 'id', value: '../../etc/passwd' }, targetDatabase: { __rl: true, mode: 'name', value: 'crm' } }],
	});
	await expect(restore.execute.call(context)).rejects.toThrow('"Backup to Use" is not the ID of a backup.');
	expect(running).not.toHaveBeenCalled();
});

test('a dry run says above the output what would stop the restore', async () => {
	const checks = [
		{ check: 'Extensions', state: 'failed', detail: 'postgis is not installed.', hint: 'Install it.' },
		{ check: 'Space', state: 'passed', detail: '10 GB free.' },
	];
	running.mockResolvedValue({ dryRun: true, checks, warnings: [] } as never);
	const restore = new RestoreBackup();
	const { context, observed } = fakeContext(restore, { items: [{ operation: 'postgresDatabase', targetDatabase: { __rl: true, mode: 'name', value: 'crm' } }] });
	await restore.execute.call(context);
	expect(observed.hints.map(({ message, type }) => [type, message])).toEqual([
		['info', 'Dry run: nothing was changed. Turn off "Dry Run" to carry out the plan.'],
		['danger', 'This restore would be refused. Extensions: postgis is not installed. Install it.'],
	]);
});

test('a plan says above the output that nothing was deleted, and gives one item with counts', async () => {
	const decision = { id: 'a', series: 's', action: 'delete', reasons: ['No rule keeps it.'] };
	running.mockResolvedValue({ applied: false, decisions: [decision, { ...decision, id: 'b', action: 'keep' }], deleted: [], freedBytes: 0, deletedRecoveryPoints: [] } as never);
	const catalog = new BackupCatalog();
	const { context, observed } = fakeContext(catalog, { items: [{ operation: 'prune' }] });
	const [output] = await catalog.execute.call(context);
	expect(output?.map(({ json }) => json.prune)).toEqual([expect.objectContaining({ applied: false, kept: 1, toDelete: 1, deleted: [] })]);
	expect(observed.hints[0]?.message).toContain('nothing was deleted');
});

test('the catalog lists one item for each backup', async () => {
	running.mockResolvedValue({ backups: [{ id: 'a' }, { id: 'b' }] } as never);
	const catalog = new BackupCatalog();
	const { context } = fakeContext(catalog, { items: [{ operation: 'list' }] });
	expect(await catalog.execute.call(context)).toEqual([
		[
			{ json: { backup: { id: 'a' } }, pairedItem: { item: 0 } },
			{ json: { backup: { id: 'b' } }, pairedItem: { item: 0 } },
		],
	]);
});

describe('a recovery point of a run', () => {
	const catalog = new BackupCatalog();
	const record = { operation: 'recordRecoveryPoint', recoveryPointName: 'Backup: Full', failWhenIncomplete: false };
	const backup = (component: string, id: string) => ({ backup: { component, id, kind: 'full' } });
	const input = [
		backup('postgres', '20261122T020000Z-full-a1b2c3'),
		{ error: 'Redis did not answer.', details: { code: 'SERVER_UNREACHABLE', hint: 'See that it runs.', node: 'Redis Snapshot', component: 'redis' } },
		backup('files', '20261122T020100Z-full-a1b2c3'),
		{ error: { message: 'Bad Gateway' } },
		{ prune: { applied: true } },
		backup('files', '20261122T020100Z-full-a1b2c3'),
	];

	test('is one job of all input items, and one item linked to all of them', async () => {
		running.mockResolvedValue({ recoveryPoint: { id: '20261122T030000Z-set-a1b2c3', complete: false } } as never);
		const { context } = fakeContext(catalog, { items: input.map(() => record), input });
		const [output] = await catalog.execute.call(context);
		expect(running).toHaveBeenCalledTimes(1);
		expect(checkJob(running.mock.calls[0]?.[0])).toMatchObject({
			kind: 'recovery.record',
			name: 'Backup: Full',
			since: null,
			members: [
				{ component: 'postgres', id: '20261122T020000Z-full-a1b2c3' },
				{ component: 'files', id: '20261122T020100Z-full-a1b2c3' },
			],
			failures: [
				{ component: 'redis', what: 'Redis Snapshot', message: 'Redis did not answer.', code: 'SERVER_UNREACHABLE', hint: 'See that it runs.' },
				{ component: null, what: 'A step of the run', message: 'Bad Gateway' },
			],
		});
		expect(output).toEqual([{ json: { recoveryPoint: { id: '20261122T030000Z-set-a1b2c3', complete: false } }, pairedItem: input.map((_, item) => ({ item })) }]);
	});

	test('that is incomplete fails the run once, word by word', async () => {
		const error = new BackupError('RECOVERY_POINT_INCOMPLETE', 'One part of the run failed. Redis Snapshot: Redis did not answer.', 'See that it runs.');
		running.mockRejectedValue(error);
		const { context } = fakeContext(catalog, { items: input.map(() => ({ ...record, failWhenIncomplete: true })), input });
		await expect(catalog.execute.call(context)).rejects.toMatchObject({ message: error.message });
		const goingOn = fakeContext(catalog, { items: input.map(() => record), input, continueOnFail: true });
		running.mockRejectedValue(error);
		expect((await catalog.execute.call(goingOn.context))[0]).toHaveLength(1);
		expect(running).toHaveBeenCalledTimes(2);
	});
});
