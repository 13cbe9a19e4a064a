import { join } from 'node:path';
import type { ResultOf } from '../lib/jobs/results';
import { runJob } from '../lib/jobs/run-job';
import type { JobInput, JobKind } from '../lib/jobs/schema/job';
import { type Run, watchProcess } from './measure';

/** Runs a job in the built worker, as n8n would, and measures it from its start to its end. */
export async function runBuiltJob<K extends JobKind>(job: Extract<JobInput, { kind: K }>): Promise<{ result: ResultOf<K>; run: Run }> {
	let watch: ReturnType<typeof watchProcess> | undefined;
	const start = performance.now();
	try {
		const result = await runJob<K>(job, {
			workerModule: join(__dirname, '..', 'dist', 'lib', 'jobs', 'worker.js'),
			onStarted: (pid) => (watch = watchProcess(pid)),
		});
		const seconds = (performance.now() - start) / 1000;
		const watched = watch?.stop();
		return { result, run: { seconds, peakMegabytes: watched?.megabytes, processorSeconds: watched?.processorSeconds } };
	} finally {
		watch?.stop();
	}
}
