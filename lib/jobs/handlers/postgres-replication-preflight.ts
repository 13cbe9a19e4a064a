import { runReplicationPreflight } from '../../postgres/replication/preflight';
import { openStore } from '../../storage/open-store';
import type { JobHandler } from '../handler';

export const replicationPreflight: JobHandler<'postgres.replicationPreflight'> = async ({ connection, store }, context) => {
	const checks = await runReplicationPreflight(connection, store && openStore(store, context), context);
	return { ready: checks.every((check) => check.state !== 'failed'), checks };
};
