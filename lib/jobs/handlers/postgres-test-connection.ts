import { withClient } from '../../postgres/connect';
import { readServerVersion } from '../../postgres/server-version';
import type { JobHandler } from '../handler';

export const testConnection: JobHandler<'postgres.testConnection'> = ({ connection }, { signal }) =>
	withClient(connection, { signal, applicationName: 'backup-recovery test', doing: 'testing the connection' }, async (client) => {
		const { version } = await readServerVersion(client);
		const { rows } = await client.query<{ user: string }>('SELECT current_user AS user');
		return { serverVersion: version, user: rows[0]?.user ?? connection.user };
	});
