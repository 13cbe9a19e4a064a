import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupDraft } from '../backup/draft';
import type { Artifact } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { runTool, streamTool } from '../process/run-tool';
import { withClientEnvironment } from './client-environment';
import type { PostgresClient } from './clients';
import type { PostgresConnection } from './connection-settings';
import { dumpArguments } from './dump-command';
import type { Selection } from './selection';
import { tarFolder } from './tar-folder';
import { ToolMessages } from './tool-messages';

export interface WriteDumpOptions {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly format: 'custom' | 'directory';
	readonly parallelJobs: number;
	readonly compressionLevel: number;
	readonly selection: Selection;
	readonly pgDump: PostgresClient;
	readonly snapshot: string;
	/** The database's own encoding. */
	readonly encoding: string;
	readonly databaseBytes: number;
	/** About what the artifact will take in the store, where that is known. */
	readonly expectedBytes: number | undefined;
	/** The dump holds secrets: stored with mode 0600. */
	readonly secret?: boolean;
}

/** Runs pg_dump and stores what it writes. Its warnings become the backup's; an error on stderr fails it whatever the exit code. */
export async function writeDump(
	options: WriteDumpOptions,
	draft: BackupDraft,
	signal: AbortSignal,
	context: JobContext,
): Promise<Artifact> {
	const { connection, database, format, compressionLevel: level } = options;
	const onSourceBytes = (done: number) => context.progress({ step: `Dumping "${database}"`, done, unit: 'bytes' });
	const common = {
		role: 'dump',
		compression: { algorithm: 'zstd' as const, level },
		expectedBytes: options.expectedBytes,
		secret: options.secret,
		onSourceBytes,
	};
	return await withClientEnvironment(
		connection,
		{ workFolder: context.workFolder, applicationName: `backup-recovery ${draft.id}` },
		async (env) => {
			const messages = new ToolMessages();
			const tool = { file: options.pgDump.path, env, signal, onStderrLine: (line: string) => messages.push(line) };
			const command = {
				database,
				snapshot: options.snapshot,
				selection: options.selection.arguments,
				encoding: patternEncoding(options),
			};
			switch (format) {
				case 'custom': {
					const args = dumpArguments({ ...command, output: { format } });
					const source = messages.failOnError(streamTool({ ...tool, args }));
					const artifact = await draft.writeArtifact(
						{ ...common, name: 'database.dump.zst', mediaType: 'application/x-postgresql-dump' },
						source,
					);
					passOn(messages, draft);
					return artifact;
				}
				case 'directory': {
					const folder = join(context.workFolder, 'dump');
					await checkTemporarySpace(context.workFolder, options.databaseBytes);
					await mkdir(folder, { mode: 0o700 });
					try {
						context.progress({ step: `Dumping "${database}" into the temporary folder` });
						const args = dumpArguments({ ...command, output: { format, folder, jobs: options.parallelJobs } });
						await runTool({ ...tool, args, stdout: 'ignore' });
						messages.refuseErrors();
						passOn(messages, draft);
						return await draft.writeArtifact(
							{ ...common, name: 'database.dir.tar.zst', mediaType: 'application/x-tar' },
							tarFolder(folder),
						);
					} finally {
						await rm(folder, { recursive: true, force: true });
					}
				}
			}
		},
	);
}

function passOn(messages: ToolMessages, draft: BackupDraft): void {
	for (const message of messages.messages) draft.warn(`pg_dump: ${message.text}`);
}

/**
 * pg_dump reads the names in its arguments in the dump's encoding, and ours are UTF-8. So a database with another encoding is
 * dumped as UTF-8 where such names were given; it restores into either.
 */
function patternEncoding(options: WriteDumpOptions): string | undefined {
	const plain = options.selection.arguments.every((argument) => /^[\x00-\x7f]*$/.test(argument));
	return plain || options.encoding === 'UTF8' || options.encoding === 'SQL_ASCII' ? undefined : 'UTF8';
}

async function checkTemporarySpace(folder: string, databaseBytes: number): Promise<void> {
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	if (free >= databaseBytes) return;
	throw new BackupError(
		'NO_SPACE',
		`The directory format needs temporary space for the uncompressed dump: the database has ${databaseBytes} bytes, and only ${free} are free.`,
		'Choose the custom format, which needs none; or make room; or set BACKUP_RECOVERY_TEMP to a folder on a larger disk.',
	);
}
