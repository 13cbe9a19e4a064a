import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
beforeEach(() => {
	running.mockReset();
	running.mockResolvedValue({ dryRun: true, checks: [], warnings: [], recoveredBackup: null, backup: { id: 'x', warnings: [] } } as never);
});

const ID = '20261122T020000Z-base-a1b2c3';
const store = { type: 'folder', path: '/backups', prefix: 'crm' };

async function jobOf(node: INodeType, parameters: Record<string, unknown>, credentials?: Record<string, IDataObject>) {
	const { context } = fakeContext(node, { items: [parameters as INodeParameters], credentials });
	await node.execute?.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

const pointInTime = { operation: 'postgresPointInTime', recoveryFolder: '/recovery/crm' };

test('a recovery is a dry run on this machine, unless told otherwise', async () => {
	expect(await jobOf(new RestoreBackup(), { ...pointInTime, targetTime: '2026-11-22T14:30:00' })).toEqual({
		kind: 'postgres.recover',
		store,
		decryption: null,
		base: { by: 'newest' },
		target: { by: 'time', time: '2026-11-22T14:30:00.000Z' },
		inclusive: true,
		timeline: null,
		folder: '/recovery/crm',
		destination: { mode: 'startHere', serverFolder: '' },
		user: '',
		checkPages: true,
		dryRun: true,
	});
});

test('a time with an offset is exact to the microsecond', async () => {
	expect(await jobOf(new RestoreBackup(), { ...pointInTime, targetTime: '2026-11-22 14:30:00.123456+01:00' })).toMatchObject({ target: { by: 'time', time: '2026-11-22T14:30:00.123456+01:00' } });
});

test.each([
	[{ targetBy: 'latest' }, { by: 'latest' }],
	[{ targetBy: 'lsn', targetLsn: ' 16/B374D848 ' }, { by: 'lsn', lsn: '16/B374D848' }],
	[{ targetBy: 'name', targetName: 'before it' }, { by: 'name', name: 'before it' }],
	[{ targetBy: 'xid', targetXid: 31415 }, { by: 'xid', xid: '31415' }],
])('the target %j', async (parameters, target) => {
	expect(await jobOf(new RestoreBackup(), { ...pointInTime, ...parameters })).toMatchObject({ target });
});

test('handed over to the container, from a chosen base backup, just before the target', async () => {
	const parameters = {
		...pointInTime,
		targetBy: 'latest',
		recoveryMode: 'handOver',
		baseChoice: 'id',
		base: { __rl: true, mode: 'id', value: ID },
		dryRun: false,
		options: { exclusive: true, timeline: 3, waitMinutes: 5, checkPages: false, user: 'crm' },
	};
	expect(await jobOf(new RestoreBackup(), parameters)).toMatchObject({
		base: { by: 'id', id: ID },
		destination: { mode: 'handOver', waitSeconds: 300, connection: { user: expect.any(String) } },
		inclusive: false,
		timeline: 3,
		checkPages: false,
		user: 'crm',
		dryRun: false,
	});
});

test('what cannot be a target is refused before a job runs', async () => {
	for (const parameters of [{ targetTime: 'yesterday' }, { targetBy: 'xid', targetXid: 'x' }, { targetBy: 'lsn', targetLsn: '' }]) {
		const node = new RestoreBackup();
		const { context } = fakeContext(node, { items: [{ ...pointInTime, ...parameters }] });
		await expect(node.execute.call(context)).rejects.toThrow();
	}
	const node = new RestoreBackup();
	const { context } = fakeContext(node, { items: [{ ...pointInTime, targetBy: 'latest' }], blocked: true });
	await expect(node.execute.call(context)).rejects.toThrow('file policy');
	expect(running).not.toHaveBeenCalled();
});

test('a database from a recovered server, with the credential\'s password; and the server stopped', async () => {
	const replace = { operation: 'replaceFromRecovered', database: { __rl: true, mode: 'name', value: 'crm' }, recoveredHost: '/recovery/crm/socket', recoveredUser: 'postgres', dryRun: false, confirmation: 'crm', recoveredGlobals: 'latest' };
	const job = await jobOf(new RestoreBackup(), replace);
	if (job.kind !== 'postgres.replaceFromRecovered') throw new Error(job.kind);
	expect(job).toMatchObject({ database: 'crm', recovered: { host: '/recovery/crm/socket', port: 5432, user: 'postgres' }, recoveredDatabase: '', globals: { by: 'latest' }, confirmation: 'crm', dryRun: false, store });
	expect(job.recovered.password).toBe(job.connection.password);
	running.mockClear();
	expect(await jobOf(new RestoreBackup(), { operation: 'stopRecovered', recoveryFolder: '/recovery/crm', remove: true })).toEqual({ kind: 'postgres.stopRecovered', folder: '/recovery/crm', remove: true });
});

test('a drill of the newest base backup', async () => {
	expect(await jobOf(new VerifyBackup(), { operation: 'recoveryDrill', baseSource: 'db:5432' })).toEqual({
		kind: 'verify.recoveryDrill',
		store,
		decryption: null,
		base: { by: 'newest', source: 'db:5432' },
		serverFolder: '',
		container: null,
		folder: '',
		user: '',
		checkPages: true,
	});
	running.mockClear();
	const inContainer = { operation: 'recoveryDrill', baseSource: '', recoveryMode: 'handOver', options: { folder: '/recovery', waitMinutes: 5 } };
	expect(await jobOf(new VerifyBackup(), inContainer)).toMatchObject({ folder: '/recovery', container: { connection: { host: expect.any(String) }, waitSeconds: 300 } });
});
