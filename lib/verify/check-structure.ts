import { readArtifact } from '../backup/read-artifact';
import type { Artifact, Manifest } from '../catalog/manifest';
import { sourceOf } from '../catalog/source-of';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { checkArchive } from '../files/check-archive';
import { StepRecorder } from '../core/steps';
import { drillSqlite } from '../n8n/check-backup';
import { asDatabaseBackup } from '../n8n/postgres-part';
import { type BaseBackupReport, checkBaseBackup } from '../postgres/basebackup/check-base-backup';
import { readGlobals } from '../postgres/restore/apply-globals';
import { storedDump } from '../postgres/restore/dump-files';
import { parseDump } from '../postgres/restore/parse-dump';
import { totalKeys } from '../redis/rdb/rdb-report';
import { checkRdb, storedRdbs } from '../redis/restore/stored-rdb';
import type { Store } from '../storage/store';

export interface StructureRequest {
	readonly store: Store;
	readonly manifest: Manifest;
	/** Folder with the PostgreSQL clients; empty: search. */
	readonly clientFolder: string;
}

/**
 * Has the tool of the backup's format parse all of it.
 * @returns what was parsed, as a sentence
 * @throws BackupError `ARTIFACT_DAMAGED` when it cannot be parsed or does not hold what the manifest says; `CLIENT_MISSING`
 */
export async function checkStructure(request: StructureRequest, context: JobContext): Promise<string> {
	const { manifest } = request;
	switch (manifest.source.type) {
		case 'postgres':
			return await checkPostgres(request, context);
		case 'n8n':
			return await checkN8n(request, context);
		case 'redis':
			return await checkRedis(request, context);
		case 'files':
			return await checkFiles(request, context);
	}
}

async function checkRedis({ store, manifest }: StructureRequest, context: JobContext): Promise<string> {
	const rdbs = storedRdbs(store, manifest);
	let keys = 0;
	for (const rdb of rdbs) keys += totalKeys((await checkRdb(rdb, context)).databases);
	return `${rdbs.length === 1 ? 'The RDB was' : `${rdbs.length} RDBs were`} read to the end, checksums and every value: ${keys} keys, as recorded.`;
}

async function checkFiles({ store, manifest }: StructureRequest, context: JobContext): Promise<string> {
	const { files, bytes, entries } = await checkArchive(store, manifest, context);
	return `The archive was read to its end: ${files} files with ${bytes} bytes have the SHA-256 that the index says; the index describes a tree of ${entries} entries.`;
}

/** A database of SQLite is opened and read to its end, and the key tried, as in a drill: there is no cheaper way to parse it. */
async function checkN8n({ store, manifest, clientFolder }: StructureRequest, context: JobContext): Promise<string> {
	if (sourceOf(manifest, 'n8n').database === 'postgres') return await parseDump(storedDump(store, asDatabaseBackup(manifest)), clientFolder, context);
	return await drillSqlite(store, manifest, context, new StepRecorder(context.progress));
}

async function checkPostgres(request: StructureRequest, context: JobContext): Promise<string> {
	const { store, manifest } = request;
	switch (manifest.kind) {
		case 'full':
		case 'partial':
		case 'safety':
			return await parseDump(storedDump(store, manifest), request.clientFolder, context);
		case 'globals': {
			const globals = await readGlobals(store, manifest, context);
			return `The globals were parsed: ${globals.statements.length} statements, ${globals.roles.size} roles.`;
		}
		case 'extract':
			return await checkExtract(store, manifest, context);
		case 'base':
		case 'incremental':
			return describeBaseBackup(await checkBaseBackup(store, manifest, context));
	}
}

function describeBaseBackup({ files, bytes, incrementalFiles, blocks }: BaseBackupReport): string {
	const incremental = incrementalFiles === 0 ? '' : ` ${incrementalFiles} of them bring older files up to date, with ${blocks} blocks; what they build on was not read.`;
	return `The archives were read to their ends: ${files} files with ${bytes} bytes are as the server's own manifest says, and the WAL that makes them consistent is inside.${incremental}`;
}

async function checkExtract(store: Store, manifest: Manifest, context: JobContext): Promise<string> {
	let rows = 0;
	const artifacts = manifest.artifacts.filter((artifact) => artifact.role === 'rows');
	const recorded = new Map(manifest.postgres?.extract?.tables.map((table) => [table.artifact, table.rows]));
	for (const artifact of artifacts) rows += await countRows(store, manifest, artifact, recorded.get(artifact.name), context);
	return `The rows of ${artifacts.length} tables were counted: ${rows}, as recorded.`;
}

const NEWLINE = 0x0a;

/** In COPY's text format a newline ends a row and nothing else: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
async function countRows(store: Store, manifest: Manifest, artifact: Artifact, expected: number | undefined, context: JobContext): Promise<number> {
	let rows = 0;
	let last: number | undefined;
	for await (const chunk of readArtifact(store, manifest, artifact, { signal: context.signal, keys: context.keys })) {
		for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) rows += 1;
		last = chunk.at(-1) ?? last;
	}
	if (last !== undefined && last !== NEWLINE) throw unlike(manifest, artifact, 'ends inside a row');
	if (rows !== expected) throw unlike(manifest, artifact, `holds ${rows} rows instead of ${expected ?? 'a number that was never recorded'}`);
	return rows;
}

function unlike(manifest: Manifest, artifact: Artifact, what: string): BackupError {
	return new BackupError('ARTIFACT_DAMAGED', `${artifact.name} of backup ${manifest.id} ${what}.`, 'Do not use this extract. Take a new one.');
}
