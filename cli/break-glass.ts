#!/usr/bin/env node
import { JOB_WORKER } from '../lib/jobs/child-process';
import { limitNetwork, ONLY_NETWORK } from '../lib/process/allowed-network';
import { main } from './main';

/** The entry of the command line as one file, which is the worker of its jobs as well: nothing else need lie beside it. */
async function start(): Promise<void> {
	const only = process.env[ONLY_NETWORK];
	if (only !== undefined && only !== '') limitNetwork(only);
	if (process.argv[2] === JOB_WORKER) {
		await import('../lib/jobs/worker.js');
		return;
	}
	const controller = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
	const { env: environment, stdin, stdout, stderr } = process;
	process.exitCode = await main(process.argv.slice(2), { environment, stdin, stdout, stderr, signal: controller.signal, workerModule: __filename });
}

void start();
