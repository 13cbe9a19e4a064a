import { runPreflight } from '../../postgres/preflight';
import type { JobHandler } from '../handler';

export const preflight: JobHandler<'postgres.preflight'> = async (job, context) => {
	const checks = await runPreflight(job, context);
	return { ready: checks.every((check) => check.state !== 'failed'), checks };
};
