import type { INodeParameters } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { PostgresBasebackup } from '../../nodes/PostgresBasebackup/PostgresBasebackup.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
beforeEach(() => {
	running.mockReset();
	running.mockImplementation(async (job) => (job.kind === 'postgres.replicationPreflight' ? { ready: true, checks: [] } : { backup: { id: 'x', warnings: [] } }) as never);
});

async function jobOf(parameters: Record<string, unknown>) {
	const { context } = fakeContext(new PostgresBasebackup(), { items: [parameters as INodeParameters] });
	await new PostgresBasebackup().execute.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

test('a full base backup with everything left as it is', async () => {
	expect(await jobOf({ operation: 'full' })).toMatchObject({
		kind: 'postgres.baseBackup',
		mode: 'full',
		name: '',
		checkpoint: 'fast',
		maxRateKilobytes: null,
		compressionLevel: 1,
		compressAt: 'here',
		encryption: null,
		lockWaitSeconds: 0,
		store: { type: 'folder', path: '/backups', prefix: 'crm' },
	});
});

test('an incremental one with every option', async () => {
	const options = { checkpoint: 'spread', maxRate: 12.5, compressionLevel: 9, compressAt: 'server', note: 'weekly', lockWait: 2, mostIncrementals: 6, whenImpossible: 'fail' };
	expect(await jobOf({ operation: 'incremental', sourceName: ' main ', options })).toMatchObject({
		kind: 'postgres.baseBackup',
		mode: 'incremental',
		name: 'main',
		checkpoint: 'spread',
		maxRateKilobytes: 12_800,
		compressionLevel: 9,
		compressAt: 'server',
		note: 'weekly',
		lockWaitSeconds: 120,
		mostIncrementals: 6,
		whenImpossible: 'fail',
		decryption: null,
	});
});

test('a preflight', async () => {
	expect(await jobOf({ operation: 'preflight' })).toMatchObject({ kind: 'postgres.replicationPreflight', store: { type: 'folder' } });
});
