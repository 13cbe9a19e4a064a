import type { INodeParameters, INodeType } from 'n8n-workflow';
import { checkJob } from '../../lib/jobs/check-job';
import { runJob } from '../../lib/jobs/run-job';
import { RestoreBackup } from '../../nodes/RestoreBackup/RestoreBackup.node';
import { VerifyBackup } from '../../nodes/VerifyBackup/VerifyBackup.node';
import { fakeContext } from './fake-context';

jest.mock('../../lib/jobs/run-job');
const running = jest.mocked(runJob);
beforeEach(() => {
	running.mockReset();
	running.mockResolvedValue({ sentence: '', notes: [], dryRun: true } as never);
});

async function jobOf(node: INodeType, parameters: Record<string, unknown>) {
	const { context } = fakeContext(node, { items: [parameters as INodeParameters] });
	await node.execute?.call(context);
	expect(running).toHaveBeenCalledTimes(1);
	return checkJob(running.mock.calls[0]?.[0]);
}

const incident = { operation: 'findIncident', question: 'SELECT true', incidentDatabase: 'crm', recoveryFolder: '/recovery/search' };

test('an incident is searched from the newest base backup to the newest WAL, unless told otherwise', async () => {
	expect(await jobOf(new VerifyBackup(), incident)).toMatchObject({ kind: 'postgres.findIncident', from: null, to: null, folder: '/recovery/search', mostRecoveries: 12, question: { database: 'crm', sql: 'SELECT true', timeoutSeconds: 600 } });
});

test('moments with an offset stay exact to the microsecond', async () => {
	const job = await jobOf(new VerifyBackup(), { ...incident, incidentFrom: '2026-11-22 14:30:00.123456+01:00', incidentTo: '2026-11-22T15:30:00', options: { mostRecoveries: 3, questionMinutes: 1 } });
	expect(job).toMatchObject({ from: '2026-11-22T14:30:00.123456+01:00', to: '2026-11-22T15:30:00.000Z', mostRecoveries: 3, question: { timeoutSeconds: 60 } });
});

test('a row diff reads two recovered servers with the password of the live one', async () => {
	const job = await jobOf(new VerifyBackup(), { operation: 'rowDiff', database: { mode: 'name', value: 'crm' }, beforeHost: '/recovery/before/socket', afterHost: '/recovery/after/socket', afterUser: 'admin', patchFile: '/recovery/patch.sql', options: { tables: 'public.a, public.b,', preview: 50 } });
	expect(job).toMatchObject({
		kind: 'postgres.diffRows',
		before: { connection: { host: '/recovery/before/socket', port: 5432 }, database: 'crm' },
		after: { connection: { host: '/recovery/after/socket', user: 'admin' }, database: 'crm' },
		live: { database: 'crm' },
		tables: ['public.a', 'public.b'],
		previewStatements: 50,
	});
});

test('a patch is a dry run until a person turns that off and types the name', async () => {
	const patch = { operation: 'applyPatch', database: { mode: 'name', value: 'crm' }, patchFile: '/recovery/patch.sql' };
	expect(await jobOf(new RestoreBackup(), patch)).toMatchObject({ kind: 'postgres.applyPatch', dryRun: true, confirmation: '', sha256: '' });
	running.mockClear();
	expect(await jobOf(new RestoreBackup(), { ...patch, dryRun: false, confirmation: 'crm', patchDigest: 'A'.repeat(64) })).toMatchObject({ dryRun: false, confirmation: 'crm', sha256: 'A'.repeat(64) });
});
