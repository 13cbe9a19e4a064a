import { join } from 'node:path';
import type { ResultOf } from '../lib/jobs/results';
import { runJob } from '../lib/jobs/run-job';
import type { JobInput, JobKind } from '../lib/jobs/schema/job';
import { watchMemory } from './measure';

/** Runs a job in the built worker, as n8n would, and tells how long it took and how much memory its process used at most. */
export async function runBuiltJob<K extends JobKind>(job: Extract<JobInput, { kind: K }>): Promise<{ result: ResultOf<K>; seconds: number; peakMegabytes: number }> {
	let memory: ReturnType<typeof watchMemory> | undefined;
	const start = performance.now();
	try {
		const result = await runJob<K>(job, {
			workerModule: join(__dirname, '..', 'dist', 'lib', 'jobs', 'worker.js'),
			onStarted: (pid) => (memory = watchMemory(pid)),
		});
		return { result, seconds: (performance.now() - start) / 1000, peakMegabytes: memory?.stop().process ?? Number.NaN };
	} finally {
		memory?.stop();
	}
}
