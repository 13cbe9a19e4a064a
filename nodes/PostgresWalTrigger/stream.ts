import type { ITriggerFunctions, ITriggerResponse } from 'n8n-workflow';
import { BackupError, toBackupError } from '../../lib/core/errors';
import type { WalItem } from '../../lib/jobs/results';
import { runJob } from '../../lib/jobs/run-job';
import { nodeError } from '../shared/node-error';
import { readLockWaitSeconds } from '../shared/option-fields';
import { Parameters } from '../shared/parameters';
import { plainData } from '../shared/plain-data';
import { type InputOf, triggerSources } from '../shared/run-node-job';
import { walCommon } from '../shared/wal-fields';

/** n8n gives triggers parameters without an item, so the index is left out. */
function parametersOf(context: ITriggerFunctions): Parameters {
	const getNodeParameter = (name: string, _item: number, fallback?: unknown) => context.getNodeParameter(name, fallback);
	return new Parameters({ getNodeParameter } as ConstructorParameters<typeof Parameters>[0], 0);
}

async function streamJob(context: ITriggerFunctions): Promise<InputOf<'postgres.streamWal'>> {
	const parameters = parametersOf(context);
	const options = parameters.collection('options');
	const interval = parameters.choice('startOn', 'Start the Workflow', ['interval', 'segment']) === 'interval';
	const heartbeat = options.number('heartbeatSeconds', 'Heartbeat (Seconds)');
	return {
		kind: 'postgres.streamWal',
		...(await walCommon({ parameters, ...triggerSources(context) })),
		pieceSeconds: parameters.number('pieceSeconds', 'Archive Every (Seconds)'),
		itemPerSegment: !interval,
		itemSeconds: interval ? parameters.number('itemMinutes', 'Interval (Minutes)') * 60 : null,
		heartbeatSeconds: heartbeat === 0 ? null : heartbeat,
		lockWaitSeconds: readLockWaitSeconds(options),
	};
}

/** Runs the job for as long as the workflow is active. Where it fails, n8n starts the trigger again, later and later. */
export async function startStreaming(context: ITriggerFunctions): Promise<ITriggerResponse> {
	let closing = new AbortController();
	let running: Promise<void> = Promise.resolve();
	const fail = (error: BackupError) => nodeError(context.getNode(), error);

	const stream = async (onItem: (item: WalItem) => void) => {
		const job = await streamJob(context);
		await runJob<'postgres.streamWal'>(job, { signal: closing.signal, onItem });
	};
	/** Resolves once archiving has begun; fails when it cannot. */
	const start = async () => {
		await new Promise<void>((resolve, reject) => {
			const onItem = (item: WalItem) => {
				resolve();
				context.emit([[{ json: { wal: plainData(item) } }]]);
			};
			let began = false;
			running = stream((item) => {
				began = true;
				onItem(item);
			}).catch((error: unknown) => {
				if (closing.signal.aborted) return resolve();
				const reason = fail(toBackupError(error));
				if (began) context.emitError(reason);
				reject(reason);
			});
		});
	};
	const close = async () => {
		closing.abort();
		await running;
	};

	if (context.getMode() !== 'manual') {
		await start();
		return { closeFunction: close };
	}
	return {
		closeFunction: close,
		manualTriggerFunction: async () => {
			closing = new AbortController();
			await start();
		},
	};
}
