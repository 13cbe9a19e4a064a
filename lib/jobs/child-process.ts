import { type ChildProcess, fork } from 'node:child_process';

/** Tells the single file of the break-glass kit that it is to be the worker; a worker of its own takes no notice of it. */
export const JOB_WORKER = 'job-worker';

/** What a job's process may see of its parent's environment: n8n's own holds secrets (its encryption key, database password). */
const PASSED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'HOME', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'BACKUP_RECOVERY_ONLY_NETWORK'];

/** How the machine's role is found in a container or by a service account; only jobs whose store uses the role see these. */
const OF_THE_ROLE = [
	'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
	'AWS_CONTAINER_CREDENTIALS_FULL_URI',
	'AWS_CONTAINER_AUTHORIZATION_TOKEN',
	'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
	'AWS_WEB_IDENTITY_TOKEN_FILE',
	'AWS_ROLE_ARN',
	'AWS_ROLE_SESSION_NAME',
	'AWS_REGION',
	'AWS_EC2_METADATA_SERVICE_ENDPOINT',
	'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE',
];

/** What a credential does not say is not looked for in files of whoever runs n8n, which may name programs to run. */
const WITHOUT_FILES = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };

/**
 * Old-space limit in MiB. A job's own objects need little of it and its buffers lie outside, so it stays under 300 MB; but V8 derives
 * from it how often to collect for those buffers, and with half of this a dump took half as long again (measured).
 */
const HEAP_LIMIT = 256;

/**
 * Starts the worker as leader of its own process group, so that it and every tool it starts
 * can be ended together, also when the worker itself was killed.
 */
export function forkWorker(workerModule: string, environment: NodeJS.ProcessEnv, job: unknown): ChildProcess {
	const env: NodeJS.ProcessEnv = { ...WITHOUT_FILES };
	for (const name of usesRole(job) ? [...PASSED_ON, ...OF_THE_ROLE] : PASSED_ON) if (environment[name] !== undefined) env[name] = environment[name];
	return fork(workerModule, [JOB_WORKER], {
		env,
		execArgv: [`--max-old-space-size=${HEAP_LIMIT}`],
		detached: true,
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		serialization: 'json',
	});
}

/** Whether any store of the job is to be used with the rights of the machine. */
function usesRole(value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	return ('from' in value && value.from === 'role') || Object.values(value).some(usesRole);
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
