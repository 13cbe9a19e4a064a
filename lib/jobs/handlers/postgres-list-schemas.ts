import { withClient } from '../../postgres/connect';
import { listSchemas as list } from '../../postgres/schemas';
import type { JobHandler } from '../handler';

export const listSchemas: JobHandler<'postgres.listSchemas'> = ({ connection, database }, { signal }) =>
	withClient(
		connection,
		{ database, signal, applicationName: 'backup-recovery list', doing: 'listing the schemas' },
		async (client) => ({ schemas: await list(client) }),
	);
