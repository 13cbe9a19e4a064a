import type { INodeParameters } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { BackupCatalog } from '../../nodes/BackupCatalog/BackupCatalog.node';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
const store = { type: 'folder', path: '/backups', prefix: 'crm' };

async function run(parameters: INodeParameters, result: object, node: BackupCatalog | VerifyBackup = new BackupCatalog()) {
	running.mockReset();
	running.mockResolvedValue(result as never);
	const { context } = fakeContext(node, { items: [parameters] });
	const [items = []] = await node.execute.call(context);
	return { job: checkJob(running.mock.calls[0]?.[0]), items: items.map(({ json }) => json) };
}

test('locks of the newest backups', async () => {
	const { job, items } = await run({ operation: 'lockStates', newest: 7 }, { store: 's', lockedBackups: 0, backups: [] });
	expect(job).toEqual({ kind: 'catalog.lockStates', store, limit: 7 });
	expect(items).toEqual([{ locks: { store: 's', lockedBackups: 0, backups: [] } }]);
});

test('clean points that hold what is needed; other names are refused', async () => {
	expect((await run({ operation: 'cleanPoints', needed: ' postgres,files ' }, { points: [] })).job).toEqual({ kind: 'catalog.cleanPoints', store, needed: ['postgres', 'files'] });
	await expect(run({ operation: 'cleanPoints', needed: 'mysql' }, {})).rejects.toThrow(/"Must Hold" holds "mysql"/);
});

test('evidence goes into a folder that n8n may use', async () => {
	const result = { folder: '/recovery/forensics-x', files: 3, sha256: 'a', listedFiles: 1, warnings: ['x'] };
	const { job, items } = await run({ operation: 'forensics', forensicsFolder: '/recovery', evidence: '/app/uploads, /app/logs', forensicsNote: 'n' }, result);
	expect(job).toEqual({ kind: 'forensics.collect', store, folder: '/recovery', evidence: ['/app/uploads', '/app/logs'], note: 'n' });
	expect(items).toEqual([{ forensics: result }]);
});

test('a forecast against a target in minutes', async () => {
	expect((await run({ operation: 'recoveryForecast', runbook: 'Recovery: Drill', targetMinutes: 30 }, { seconds: 1 })).job).toEqual({ kind: 'recovery.forecast', store, name: 'Recovery: Drill', targetSeconds: 1800 });
});

test('a drill with assertions', async () => {
	const options = { assertions: 'SELECT true', httpCheck: ' https://x.example/drill ', assertionTimeout: 5 };
	const { job } = await run({ operation: 'restoreDrill', backupChoice: 'latest', createRoles: false, options }, { backup: {} }, new VerifyBackup());
	expect(job).toMatchObject({ kind: 'verify.restoreDrill', assertions: 'SELECT true', httpCheck: 'https://x.example/drill', assertionTimeoutSeconds: 5 });
});
