import { type ChildProcess, fork } from 'node:child_process';

/** What a job's process may see of its parent's environment: n8n's own holds secrets (its encryption key, database password). */
const PASSED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'HOME', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/**
 * Old-space limit in MiB. A job's own objects need little of it and its buffers lie outside, so it stays under 300 MB; but V8 derives
 * from it how often to collect for those buffers, and with half of this a dump took half as long again (measured).
 */
const HEAP_LIMIT = 256;

/**
 * Starts the worker as leader of its own process group, so that it and every tool it starts
 * can be ended together, also when the worker itself was killed.
 */
export function forkWorker(workerModule: string, environment: NodeJS.ProcessEnv): ChildProcess {
	const env: NodeJS.ProcessEnv = {};
	for (const name of PASSED_ON) if (environment[name] !== undefined) env[name] = environment[name];
	return fork(workerModule, [], {
		env,
		execArgv: [`--max-old-space-size=${HEAP_LIMIT}`],
		detached: true,
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		serialization: 'json',
	});
}

/** Sends SIGKILL to whatever is left of the worker's process group. */
export function killGroup(child: ChildProcess): void {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, 'SIGKILL');
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		if (code !== 'ESRCH' && code !== 'EPERM') throw error;
	}
}
