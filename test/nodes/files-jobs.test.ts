import type { INodeParameters, INodeType } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { ArchiveFiles } from '../../nodes/ArchiveFiles/ArchiveFiles.node';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);

const ID = '20261122T020000Z-full-a1b2c3';
const store = { type: 'folder', path: '/backups', prefix: 'crm' };

beforeEach(() => {
	running.mockReset();
	running.mockImplementation(async (job) => (job.kind === 'files.restore' ? { dryRun: job.dryRun, checks: [], warnings: [] } : { backup: { id: ID, warnings: [] } }) as never);
});

async function jobOf(node: INodeType, parameters: Record<string, unknown>, options: object = {}) {
	const { context } = fakeContext(node, { items: [parameters as INodeParameters], ...options });
	await node.execute?.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

describe('Archive Files', () => {
	test('a folder with everything left as it is', async () => {
		expect(await jobOf(new ArchiveFiles(), { operation: 'full', folder: '/app/uploads/' })).toMatchObject({
			kind: 'files.archive',
			mode: 'full',
			store,
			component: 'files',
			folder: '/app/uploads',
			label: '/app/uploads',
			include: [],
			exclude: [],
			unreadable: 'fail',
			encryption: null,
			allowUnencrypted: false,
		});
	});

	test('an incremental one with all options', async () => {
		const passphrase = 'six random words are a good choice';
		const job = await jobOf(
			new ArchiveFiles(),
			{
				operation: 'incremental',
				component: 'config',
				folder: '/app',
				label: 'app',
				options: { include: '.env*\n\n  conf/** ', exclude: ['*.tmp'], compareContent: true, mostIncrementals: 6, missingParent: 'fail', unreadable: 'name', retries: 1, oneFileSystem: true },
			},
			{ encryption: { method: 'passphrase', passphrase } },
		);
		expect(job).toMatchObject({
			mode: 'incremental',
			component: 'config',
			label: 'app',
			include: ['.env*', 'conf/**'],
			exclude: ['*.tmp'],
			compareContent: true,
			mostIncrementals: 6,
			missingParent: 'fail',
			unreadable: 'name',
			retries: 1,
			oneFileSystem: true,
			encryption: { to: 'passphrase', passphrase },
			decryption: { identities: [], passphrase },
		});
	});

	test.each([
		['is relative', 'uploads', 'INVALID_INPUT'],
		['is empty', '', 'INVALID_INPUT'],
	])('is refused when the folder %s', async (_why, folder, code) => {
		const { context } = fakeContext(new ArchiveFiles(), { items: [{ operation: 'full', folder }] });
		await expect(new ArchiveFiles().execute.call(context)).rejects.toMatchObject({ description: expect.stringContaining(code) });
		expect(running).not.toHaveBeenCalled();
	});

	test("is refused when n8n's file policy does not allow the folder", async () => {
		const { context } = fakeContext(new ArchiveFiles(), { items: [{ operation: 'full', folder: '/etc' }], blocked: true });
		await expect(new ArchiveFiles().execute.call(context)).rejects.toMatchObject({ description: expect.stringContaining('PATH_REFUSED') });
	});
});

describe('Files', () => {
	test('restore is a dry run into a new folder unless told otherwise', async () => {
		expect(await jobOf(new RestoreBackup(), { operation: 'files', folder: '/app/restored' })).toMatchObject({
			kind: 'files.restore',
			store,
			component: 'files',
			backup: { by: 'latest' },
			mode: 'beside',
			dryRun: true,
			confirmation: '',
		});
	});

	test('restore in place takes the policy and the typed name', async () => {
		const parameters = { operation: 'files', component: 'config', folder: '/app/conf', filesMode: 'inPlace', overwrite: 'older', dryRun: false, confirmation: 'conf', source: 'conf', options: { suffix: '.restored', include: '*.env' } };
		expect(await jobOf(new RestoreBackup(), parameters)).toMatchObject({
			component: 'config',
			backup: { by: 'latest', source: 'conf' },
			mode: 'inPlace',
			overwrite: 'older',
			suffix: '.restored',
			include: ['*.env'],
			dryRun: false,
			confirmation: 'conf',
		});
	});

	test('drill restores into a folder that the policy allows', async () => {
		expect(await jobOf(new VerifyBackup(), { operation: 'filesDrill', component: 'logs', backupChoice: 'latest', options: { folder: '/mnt/scratch' } })).toMatchObject({
			kind: 'verify.filesDrill',
			component: 'logs',
			folder: '/mnt/scratch',
		});
	});
});
