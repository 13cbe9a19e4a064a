import type { IDataObject, ITriggerFunctions } from 'n8n-workflow';
import * as runner from '../../lib/jobs/run-job';
import { BackupError } from '../../lib/core/errors';
import { PostgresWalTrigger } from '../../nodes/PostgresWalTrigger/PostgresWalTrigger.node';
import { postgresCredential, storeCredential } from './fake-context';

jest.mock('../../lib/jobs/run-job');
jest.mock('../../nodes/shared/store-policy', () => ({ allowedStore: async (location: unknown) => location }));

type Run = { readonly job: Record<string, unknown>; readonly signal: AbortSignal; onItem(item: unknown): void; fail(error: BackupError): void };

let runs: Run[];
beforeEach(() => {
	runs = [];
	jest.mocked(runner.runJob).mockImplementation(
		async (job, options) =>
			await new Promise((_, reject) => {
				options!.signal!.addEventListener('abort', () => reject(new BackupError('CANCELLED', 'cancelled', '')));
				runs.push({ job, signal: options!.signal!, onItem: options!.onItem as Run['onItem'], fail: reject });
			}),
	);
});

function fake(mode: 'trigger' | 'manual', parameters: IDataObject) {
	const emitted: unknown[] = [];
	const errors: Error[] = [];
	const context = {
		getMode: () => mode,
		getNode: () => ({ name: 'WAL', credentials: {} }),
		getNodeParameter: (name: string, fallback: unknown) => parameters[name] ?? fallback,
		getCredentials: async (name: string) => (name === 'backupPostgresApi' ? postgresCredential : storeCredential),
		emit: (data: [{ json: unknown }[]]) => emitted.push(data[0][0]!.json),
		emitError: (error: Error) => errors.push(error),
	};
	return { context: context as unknown as ITriggerFunctions, emitted, errors };
}

const PARAMETERS = { sourceName: 'main', pieceSeconds: 10, startOn: 'interval', itemMinutes: 5, options: { lockWait: 5, heartbeatSeconds: 0 } };
const begin = async () => {
	await new Promise((resolve) => setTimeout(resolve, 20));
	runs[0]!.onItem({ event: 'started' });
};
const trigger = async (context: ITriggerFunctions) => await new PostgresWalTrigger().trigger.call(context);

test('runs the job while it is active, hands on its items, and ends it when it is closed', async () => {
	const { context, emitted, errors } = fake('trigger', PARAMETERS);
	const [response] = await Promise.all([trigger(context), begin()]);
	expect(runs[0]!.job).toMatchObject({ kind: 'postgres.streamWal', name: 'main', pieceSeconds: 10, itemSeconds: 300, itemPerSegment: false, heartbeatSeconds: null, lockWaitSeconds: 300, encryption: null });
	runs[0]!.onItem({ event: 'archived', segments: 1 });
	expect(emitted).toEqual([{ wal: { event: 'started' } }, { wal: { event: 'archived', segments: 1 } }]);
	await response.closeFunction!();
	expect(runs[0]!.signal.aborted).toBe(true);
	expect(errors).toEqual([]);
});

test('a job that fails while it runs is an error of the trigger, one that never starts hinders the activation', async () => {
	const { context, errors } = fake('trigger', { ...PARAMETERS, startOn: 'segment' });
	await Promise.all([trigger(context), begin()]);
	expect(runs[0]!.job).toMatchObject({ itemSeconds: null, itemPerSegment: true });
	runs[0]!.fail(new BackupError('WAL_GAP', 'The log is gone.', 'Take a new base backup.'));
	await new Promise((resolve) => setTimeout(resolve, 20));
	expect(errors).toMatchObject([{ message: 'The log is gone.' }]);

	runs = [];
	const failing = trigger(fake('trigger', PARAMETERS).context);
	await new Promise((resolve) => setTimeout(resolve, 20));
	runs[0]!.fail(new BackupError('SERVER_UNREACHABLE', 'Nobody there.', 'Look.'));
	await expect(failing).rejects.toThrow('Nobody there.');
});

test('by hand it starts only when asked to', async () => {
	const { context, emitted } = fake('manual', PARAMETERS);
	const response = await trigger(context);
	expect(runs).toEqual([]);
	await Promise.all([response.manualTriggerFunction!(), begin()]);
	expect(emitted).toHaveLength(1);
	await response.closeFunction!();
	expect(runs[0]!.signal.aborted).toBe(true);
});
