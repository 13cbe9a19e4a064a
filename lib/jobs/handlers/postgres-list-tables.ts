import { withClient } from '../../postgres/connect';
import { listRelations } from '../../postgres/relations';
import type { JobHandler } from '../handler';

/** Tables that a person would choose: partitions come with the table that they belong to. */
export const listTables: JobHandler<'postgres.listTables'> = ({ connection, database }, { signal }) =>
	withClient(
		connection,
		{ database, signal, applicationName: 'backup-recovery list', doing: 'listing the tables' },
		async (client) => {
			const relations = await listRelations(client);
			const tables = relations.filter(
				({ kind, isPartition, extension }) => (kind === 'r' || kind === 'p') && !isPartition && extension === null,
			);
			return { tables: tables.map(({ schema, name }) => ({ schema, name })) };
		},
	);
