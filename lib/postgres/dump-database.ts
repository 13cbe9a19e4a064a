import type pg from 'pg';
import type { BackupDraft, DraftOutcome, PublishOptions } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { Store } from '../storage/store';
import { backupSource } from './backup-source';
import { cancellable } from './cancel-request';
import { type PostgresClient, findClient } from './clients';
import { concurrently } from './concurrently';
import type { PostgresConnection } from './connection-settings';
import { readDatabaseSettings } from './database-settings';
import { dumpInstructions } from './dump-instructions';
import { expectedStoredBytes } from './expected-size';
import { lockTables } from './lock-tables';
import { findMissingRights, missingRightsError } from './missing-rights';
import { takeProof } from './proof';
import { listRelations, type Relation } from './relations';
import { listSchemas } from './schemas';
import { type Selection, resolveSelection, type SelectionRequest } from './selection';
import { findOutsideReferences } from './outside-references';
import { readServerVersion, type ServerVersion } from './server-version';
import { withSnapshot } from './snapshot';
import { writeDump } from './write-dump';

export interface DumpDatabaseOptions extends SelectionRequest {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly format: 'custom' | 'directory';
	readonly parallelJobs: number;
	readonly fingerprint: boolean;
	readonly compressionLevel: number;
	readonly lockWaitSeconds: number;
	readonly note?: string;
	/** The database is about to be replaced or changed: published as kind `safety`. */
	readonly safety?: boolean;
}

/** What the snapshot shows, before anything is dumped. */
interface Surveyed {
	readonly server: ServerVersion;
	readonly pgDump: PostgresClient;
	readonly selection: Selection;
}

/**
 * Backs a database up: one snapshot, dumped by pg_dump and counted beside it, with the settings that the dump does not carry.
 * @throws BackupError; nothing is published then
 */
export async function dumpDatabase(options: DumpDatabaseOptions, store: Store, context: JobContext): Promise<Manifest> {
	if (options.format === 'custom' && options.parallelJobs > 1) {
		throw new BackupError(
			'INVALID_INPUT',
			`${options.parallelJobs} parallel jobs were asked for, and the custom format can be written by one only.`,
			'Choose the directory format, or one job.',
		);
	}
	if (options.safety && isPartial(options)) {
		throw new BackupError('INVALID_INPUT', 'A safety backup of chosen schemas or tables was asked for.', 'A safety backup holds the whole database: take the selection away, or do not ask for a safety backup.');
	}
	const publish: PublishOptions = {
		store,
		context,
		component: 'postgres',
		kind: isPartial(options) ? 'partial' : options.safety ? 'safety' : 'full',
		sourceName: options.database,
		lockWaitSeconds: options.lockWaitSeconds,
		...(options.note === undefined ? {} : { note: options.note }),
	};
	return await publishBackup(publish, async (draft) => {
		const expectedBytes = publish.kind === 'partial' ? undefined : await expectedStoredBytes(store, 'full', options.database);
		return await writeDraft(options, expectedBytes, draft, context);
	});
}

function isPartial(request: SelectionRequest): boolean {
	return (
		request.includeSchemas.length + request.excludeSchemas.length + request.includeTables.length + request.excludeTables.length >
		0
	);
}

async function writeDraft(
	options: DumpDatabaseOptions,
	expectedBytes: number | undefined,
	draft: BackupDraft,
	context: JobContext,
): Promise<DraftOutcome> {
	const { connection, database } = options;
	context.progress({ step: `Connecting to "${database}"` });
	const session = {
		database,
		signal: draft.signal,
		applicationName: `backup-recovery ${draft.id}`,
		doing: `backing up "${database}"`,
	};
	return await withSnapshot(connection, session, async (client, snapshot) => {
		context.progress({ step: `Checking "${database}"` });
		const { server, pgDump, selection } = await survey(client, options, draft.signal);
		const settings = await readDatabaseSettings(client);
		await lockTables(client, selection.tables);
		for (const warning of await findOutsideReferences(client, selection)) draft.warn(warning);

		let dumping = true;
		const [artifact, proof] = await concurrently(
			draft.signal,
			async (signal) => {
				const written = await writeDump(
					{
						...options,
						selection,
						pgDump,
						snapshot,
						encoding: settings.encoding,
						databaseBytes: settings.databaseBytes,
						expectedBytes,
					},
					draft,
					signal,
					context,
				);
				dumping = false;
				return written;
			},
			(signal) =>
				cancellable(client, connection, signal, () =>
					takeProof(client, {
						...(selection.kind === 'partial' ? { tables: selection.tables.map(({ schema, name }) => ({ schema, name })) } : {}),
						fingerprint: options.fingerprint,
						largeObjects: selection.largeObjects,
						signal,
						progress: (event) => {
							if (!dumping) context.progress(event);
						},
					}),
				),
		);
		return {
			source: backupSource(database, connection, server),
			postgres: { format: options.format, clientVersion: pgDump.version, settings, proof },
			instructions: dumpInstructions({
				id: draft.id,
				artifact,
				format: options.format,
				settings,
				serverMajor: server.major,
				partial: selection.kind === 'partial',
			}),
		};
	});
}

/** Everything that can be wrong is found here, before the first byte. */
async function survey(client: pg.Client, options: DumpDatabaseOptions, signal: AbortSignal): Promise<Surveyed> {
	const server = await readServerVersion(client);
	const pgDump = await findClient('pg_dump', {
		serverMajor: server.major,
		clientFolder: options.connection.clientFolder,
		signal,
	});
	const relations: Relation[] = await listRelations(client);
	const selection = resolveSelection(relations, await listSchemas(client), options);
	const missing = await findMissingRights(client, selection.relations, selection.largeObjects);
	if (missing.length > 0) throw missingRightsError(missing, options.connection.user, options.database);
	return { server, pgDump, selection };
}
