import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { RedisSnapshot } from '../../nodes/RedisSnapshot/RedisSnapshot.node';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { redisConnection } from '../../nodes/shared/redis-credential';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { fakeContext, redisCredential } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
beforeEach(() => {
	running.mockReset();
	running.mockImplementation(async (job) => (job.kind === 'redis.restore' ? { dryRun: true, checks: [], warnings: [] } : { backup: { id: 'x', warnings: [] } }) as never);
});

const ID = '20261122T020000Z-full-a1b2c3';
const connection = {
	deployment: { mode: 'standalone', host: 'redis.example.com', port: 6380 },
	username: '',
	password: 'r"p',
	tls: { mode: 'disable', ca: '', certificate: '', key: '' },
	connectTimeoutSeconds: 15,
	idleTimeoutSeconds: 60,
};
const store = { type: 'folder', path: '/backups', prefix: 'crm' };

async function jobOf(node: INodeType, parameters: Record<string, unknown>, credentials?: Record<string, IDataObject>) {
	const { context } = fakeContext(node, { items: [parameters as INodeParameters], credentials });
	await node.execute?.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

test('a snapshot with everything left as it is', async () => {
	expect(await jobOf(new RedisSnapshot(), { operation: 'snapshot' })).toEqual({ kind: 'redis.snapshot', connection, store, encryption: null, name: '', compressionLevel: 1, safety: false, lockWaitSeconds: 0 });
});

test('a safety snapshot', async () => {
	expect(await jobOf(new RedisSnapshot(), { operation: 'snapshot', options: { safety: true } })).toMatchObject({ safety: true });
});

test('a restore is a dry run of keys that keeps what is there, unless told otherwise', async () => {
	expect(await jobOf(new RestoreBackup(), { operation: 'redis' })).toEqual({
		kind: 'redis.restore',
		connection,
		store,
		decryption: null,
		backup: { by: 'latestVerified' },
		target: { mode: 'keys', existing: 'keep', patterns: [], databases: [], functions: 'restore' },
		minimumVerification: 'none',
		dryRun: true,
		confirmation: '',
	});
});

test('a restore of chosen keys', async () => {
	const parameters = {
		operation: 'redis',
		backupChoice: 'id',
		backup: { __rl: true, mode: 'id', value: ID },
		existing: 'overwrite',
		dryRun: false,
		confirmation: ' redis.example.com:6380 ',
		options: { patterns: 'session:*\nqueue: *\n', databases: '0, 3', functions: 'skip', minimumVerification: 'restore' },
	};
	expect(await jobOf(new RestoreBackup(), parameters)).toMatchObject({
		backup: { by: 'id', id: ID },
		target: { mode: 'keys', existing: 'overwrite', patterns: ['session:*', 'queue: *'], databases: [0, 3], functions: 'skip' },
		minimumVerification: 'restore',
		dryRun: false,
		confirmation: 'redis.example.com:6380',
	});
});

test('a replacement, and a file, which needs no server', async () => {
	const replace = { operation: 'redis', redisWay: 'replace', options: { listen: '10.0.0.5:7000', announce: 'n8n' } };
	expect(await jobOf(new RestoreBackup(), replace)).toMatchObject({ target: { mode: 'replace', listen: { host: '10.0.0.5', port: 7000 }, announce: { host: 'n8n', port: 0 } } });
	running.mockClear();
	expect(await jobOf(new RestoreBackup(), { operation: 'redis', redisWay: 'file', folder: '/restored' })).toMatchObject({ connection: null, target: { mode: 'file', folder: '/restored' } });
});

test("a folder that n8n's file policy blocks is refused", async () => {
	const node = new RestoreBackup();
	const { context } = fakeContext(node, { items: [{ operation: 'redis', redisWay: 'file', folder: '/etc' }], blocked: true });
	await expect(node.execute.call(context)).rejects.toThrow('file policy');
	expect(running).not.toHaveBeenCalled();
});

test('a drill in a server of its own, or in one of a credential', async () => {
	expect(await jobOf(new VerifyBackup(), { operation: 'redisDrill' })).toEqual({ kind: 'verify.redisDrill', store, decryption: null, backup: { by: 'latest' }, connection: null, serverProgram: '' });
	running.mockClear();
	expect(await jobOf(new VerifyBackup(), { operation: 'redisDrill', redisServer: 'credential' })).toMatchObject({ connection });
});

describe('the credential', () => {
	test('Sentinels and nodes are addresses, one per line, with or without a port', () => {
		expect(redisConnection({ ...redisCredential, deployment: 'sentinel', sentinels: 's1\ns2:26380, [::1]:1', masterName: 'm', sentinelUser: 'u', sentinelPassword: 'p' }).deployment).toEqual({
			mode: 'sentinel',
			sentinels: [{ host: 's1', port: 26379 }, { host: 's2', port: 26380 }, { host: '::1', port: 1 }],
			masterName: 'm',
			username: 'u',
			password: 'p',
		});
		expect(redisConnection({ ...redisCredential, deployment: 'cluster', nodes: 'n1' }).deployment).toEqual({ mode: 'cluster', nodes: [{ host: 'n1', port: 6379 }] });
		expect(() => redisConnection({ ...redisCredential, deployment: 'cluster', nodes: ' ' })).toThrow('is empty');
		expect(() => redisConnection({ ...redisCredential, deployment: 'cluster', nodes: 'a:b:c' })).toThrow('no address');
	});
});
