import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ArtifactSpec, BackupDraft, DraftOutcome } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import type { Artifact, Manifest } from '../catalog/manifest';
import type { N8nDetails } from '../catalog/n8n-manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { PostgresConnection } from '../postgres/connection-settings';
import type { Store } from '../storage/store';
import { ARTIFACTS } from './artifacts';
import { archiveBinaryData, findBinaryData } from './binary-data';
import { copySqlite } from './copy-sqlite';
import { type Inspection, inspectInstance, requireOpenCredentials } from './inspect';
import { sqliteInstance } from './instance-database';
import { n8nInstructions } from './instructions';
import { dumpPostgres } from './postgres-dump';
import { readNodesPackage, readProgramVersion } from './program';
import { type InstanceSettings, readInstanceSettings } from './settings-file';
import { withSqlite } from './sqlite-database';

/** Where n8n keeps its tables. */
export type InstanceDatabaseLocation =
	| { readonly type: 'sqlite'; /** Absolute path. */ readonly file: string }
	| { readonly type: 'postgres'; readonly connection: PostgresConnection; readonly database: string; readonly schema: string };

export interface BackupN8nOptions {
	/** What tells this n8n from others in the store. */
	readonly name: string;
	/** n8n's data folder, the one with the file `config`. */
	readonly dataFolder: string;
	/** n8n's variable N8N_ENCRYPTION_KEY; null: it is in the data folder. */
	readonly encryptionKey: string | null;
	readonly database: InstanceDatabaseLocation;
	/** The program that runs n8n, to learn its version from; empty: unknown. */
	readonly program: string;
	readonly executions: boolean;
	readonly binaryData: boolean;
	readonly allowUnencrypted: boolean;
	readonly compressionLevel: number;
	readonly lockWaitSeconds: number;
	readonly note?: string;
}

/** What the database's part of the backup yields. */
export interface DatabasePart {
	readonly artifact: Artifact;
	readonly inspection: Inspection;
	readonly postgres?: Manifest['postgres'];
	/** The database server, where there is one. */
	readonly server?: N8nDetails['server'];
}

/**
 * Backs up what an empty n8n needs to become this one: its database (workflows, credentials as they are encrypted, variables, tags, projects, users,
 * settings, data tables), its encryption key, and the list of its community packages. It proves that the key opens the credentials.
 * @throws BackupError `ENCRYPTION_REQUIRED`, `N8N_KEY_MISSING`, `N8N_KEY_WRONG`, `DATABASE_*`, …; nothing is published then
 */
export async function backupN8n(options: BackupN8nOptions, store: Store, context: JobContext): Promise<Manifest> {
	const publish = {
		store,
		context,
		component: 'n8n' as const,
		kind: 'full' as const,
		sourceName: options.name,
		lockWaitSeconds: options.lockWaitSeconds,
		encryptionPolicy: options.allowUnencrypted ? ('waived' as const) : ('required' as const),
		...(options.note === undefined ? {} : { note: options.note }),
	};
	return await publishBackup(publish, async (draft) => await writeDraft(options, draft, context));
}

async function writeDraft(options: BackupN8nOptions, draft: BackupDraft, context: JobContext): Promise<DraftOutcome> {
	const settings = await readInstanceSettings(options.dataFolder, options.encryptionKey);
	const database = await writeDatabase(options, settings, draft, context);
	requireOpenCredentials(database.inspection, settings.from);
	warnAboutUnreadable(database.inspection, draft);
	const config = await draft.writeArtifact({ ...plain(ARTIFACTS.settings), mediaType: 'application/json' }, text(`${JSON.stringify(settings.settings, null, '\t')}\n`));
	const nodesPackage = await readNodesPackage(options.dataFolder);
	if (nodesPackage !== undefined) await draft.writeArtifact({ ...plain(ARTIFACTS.packages), mediaType: 'application/json' }, text(nodesPackage));
	const binary = options.binaryData ? await writeBinaryData(options, draft, context) : undefined;
	const version = await readProgramVersion(options.program);
	const details: N8nDetails = { ...database.inspection, encryptionKey: true, executions: options.executions, binaryFiles: binary?.files ?? null, ...(database.server && { server: database.server }) };
	return {
		source: { type: 'n8n', name: options.name, host: hostname(), version, database: options.database.type },
		...(database.postgres === undefined ? {} : { postgres: database.postgres }),
		n8n: details,
		instructions: n8nInstructions({ id: draft.id, version, details, database, config, binary: binary?.artifact }),
	};
}

async function writeDatabase(options: BackupN8nOptions, settings: InstanceSettings, draft: BackupDraft, context: JobContext): Promise<DatabasePart> {
	const { database } = options;
	switch (database.type) {
		case 'sqlite':
			return await writeSqlite(database.file, options, settings, draft, context);
		case 'postgres':
			return await dumpPostgres({ ...options, ...database }, settings, draft, context);
	}
}

async function writeSqlite(file: string, options: BackupN8nOptions, settings: InstanceSettings, draft: BackupDraft, context: JobContext): Promise<DatabasePart> {
	const copy = join(context.workFolder, 'n8n-copy.sqlite');
	try {
		await copySqlite({ source: file, target: copy, withoutHistory: !options.executions, signal: draft.signal, progress: context.progress });
		context.progress({ step: 'Checking the copy' });
		const inspection = await withSqlite(copy, { readOnly: true }, async (database) => {
			const problems = database.prepare('PRAGMA integrity_check').all() as Array<{ integrity_check: string }>;
			if (problems[0]?.integrity_check !== 'ok') {
				throw new BackupError('ARTIFACT_DAMAGED', `n8n's database ${file} is damaged: ${problems[0]?.integrity_check ?? 'no answer'}.`, 'Restore the newest verified backup of it; "PRAGMA integrity_check" shows all that is wrong.');
			}
			return await inspectInstance(sqliteInstance(database, file), settings.encryptionKey, draft.signal);
		});
		const spec: ArtifactSpec = {
			name: ARTIFACTS.sqlite.name,
			role: ARTIFACTS.sqlite.role,
			mediaType: 'application/vnd.sqlite3',
			compression: { algorithm: 'zstd', level: options.compressionLevel },
			secret: true,
			onSourceBytes: (done) => context.progress({ step: 'Storing the database', done, unit: 'bytes' }),
		};
		return { artifact: await draft.writeArtifact(spec, createReadStream(copy, { highWaterMark: 1024 * 1024 })), inspection };
	} finally {
		await rm(copy, { force: true });
	}
}

async function writeBinaryData(options: BackupN8nOptions, draft: BackupDraft, context: JobContext): Promise<{ artifact: Artifact; files: number } | undefined> {
	const folder = await findBinaryData(options.dataFolder);
	if (folder === undefined) return undefined;
	context.progress({ step: 'Storing binary data' });
	const archive = await archiveBinaryData(folder);
	const spec: ArtifactSpec = { ...plain(ARTIFACTS.binary), mediaType: 'application/x-tar', compression: { algorithm: 'zstd', level: options.compressionLevel } };
	const artifact = await draft.writeArtifact(spec, archive.bytes);
	return { artifact, files: archive.files() };
}

function warnAboutUnreadable({ credentials }: Inspection, draft: BackupDraft): void {
	if (credentials.unreadable.length === 0) return;
	draft.warn(`n8n's key does not open ${credentials.unreadable.length} of ${credentials.count} credentials (ids ${credentials.unreadable.slice(0, 10).join(', ')}): they were lost before this backup. Enter them anew in n8n.`);
}

function plain({ name, role }: { readonly name: string; readonly role: string }): Pick<ArtifactSpec, 'name' | 'role' | 'compression' | 'secret'> {
	return { name, role, compression: { algorithm: 'none' }, secret: true };
}

async function* text(content: string): AsyncGenerator<Uint8Array, void, void> {
	yield Buffer.from(content);
}
