import { withClient } from '../../postgres/connect';
import { listDatabases as list } from '../../postgres/databases';
import type { JobHandler } from '../handler';

export const listDatabases: JobHandler<'postgres.listDatabases'> = ({ connection }, { signal }) =>
	withClient(connection, { signal, applicationName: 'backup-recovery list', doing: 'listing the databases' }, async (client) => ({
		databases: await list(client),
	}));
