import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { BackupDraft, DraftOutcome } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { TableName } from '../catalog/postgres-manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { backupSource } from './backup-source';
import { changedRowsCopy, checkExtractedTables, type ChangeWindow, type ExtractedTable } from './changed-rows';
import type { PostgresConnection } from './connection-settings';
import { readDatabaseSettings } from './database-settings';
import { extractInstructions } from './extract-instructions';
import { fixOutput } from './fingerprint';
import { mapPostgresError } from './map-error';
import { readServerVersion } from './server-version';
import { withSnapshot } from './snapshot';
import { displayTable } from './table-names';

export interface ExtractChangedRowsOptions extends ChangeWindow {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly tables: readonly TableName[];
	readonly compressionLevel: number;
	readonly lockWaitSeconds: number;
	readonly note?: string;
}

/** An artifact of one table's rows. */
export interface RowsArtifact {
	readonly artifact: Artifact;
	readonly table: ExtractedTable;
	readonly rows: number;
}

/**
 * Copies the rows that changed in a window of time, of chosen tables, in one snapshot. An extract, not a backup: deleted rows
 * are not in it, nor changes by those who do not keep the column up to date.
 */
export async function extractChangedRows(
	options: ExtractChangedRowsOptions,
	store: Store,
	context: JobContext,
): Promise<Manifest> {
	if (Date.parse(options.from) >= Date.parse(options.to)) {
		throw new BackupError(
			'INVALID_INPUT',
			`The window is empty: it begins at ${options.from} and ends at ${options.to}.`,
			'Give a beginning that is before the end.',
		);
	}
	return await publishBackup(
		{
			store,
			context,
			component: 'postgres',
			kind: 'extract',
			sourceName: options.database,
			lockWaitSeconds: options.lockWaitSeconds,
			...(options.note === undefined ? {} : { note: options.note }),
		},
		(draft) => writeDraft(options, draft, context),
	);
}

async function writeDraft(options: ExtractChangedRowsOptions, draft: BackupDraft, context: JobContext): Promise<DraftOutcome> {
	const { connection, database } = options;
	context.progress({ step: `Connecting to "${database}"` });
	const session = {
		database,
		signal: draft.signal,
		applicationName: `backup-recovery ${draft.id}`,
		doing: `extracting rows of "${database}"`,
	};
	return await withSnapshot(connection, session, async (client) => {
		const server = await readServerVersion(client);
		await fixOutput(client);
		const tables = await checkExtractedTables(client, options.tables, options, connection.user);
		const written: RowsArtifact[] = [];
		for (const [index, table] of tables.entries()) {
			context.progress({ step: `Extracting ${displayTable(table)}`, done: index, total: tables.length, unit: 'tables' });
			const onBytes = (done: number) => context.progress({ step: `Extracting ${displayTable(table)}`, done, unit: 'bytes' });
			written.push(await extractTable(client, table, index + 1, options, draft, onBytes));
		}
		draft.warn(`This is an extract of changed rows, not a backup: rows that were deleted before ${options.to} are not in it.`);
		return {
			source: backupSource(database, connection, server),
			postgres: {
				format: 'copy',
				clientVersion: '',
				settings: await readDatabaseSettings(client),
				extract: {
					column: options.column,
					from: options.from,
					to: options.to,
					tables: written.map(({ artifact, table, rows }) => ({ ...table, rows, artifact: artifact.name })),
				},
			},
			instructions: extractInstructions({ id: draft.id, database, window: options, written }),
		};
	});
}

async function extractTable(
	client: pg.Client,
	table: ExtractedTable,
	number: number,
	options: ExtractChangedRowsOptions,
	draft: BackupDraft,
	onSourceBytes: (done: number) => void,
): Promise<RowsArtifact> {
	const copy = client.query(copyTo(changedRowsCopy(table, options)));
	const artifact = await draft.writeArtifact(
		{
			name: `rows-${number}.copy.zst`,
			role: 'rows',
			mediaType: 'text/plain',
			compression: { algorithm: 'zstd', level: options.compressionLevel },
			onSourceBytes,
		},
		mapped(copy, options, table),
	);
	return { artifact, table, rows: copy.rowCount };
}

async function* mapped(
	copy: AsyncIterable<Buffer>,
	{ connection, database }: ExtractChangedRowsOptions,
	table: TableName,
): AsyncGenerator<Buffer, void, void> {
	try {
		yield* copy;
	} catch (error) {
		throw mapPostgresError(error, { connection, database, doing: `extracting rows of ${displayTable(table)}` });
	}
}
