import type { BackupDraft, DraftOutcome } from '../backup/draft';
import { publishBackup } from '../backup/publish';
import type { Manifest } from '../catalog/manifest';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import { streamTool } from '../process/run-tool';
import type { Store } from '../storage/store';
import { backupSource } from './backup-source';
import { withClientEnvironment } from './client-environment';
import { findClient } from './clients';
import { withClient } from './connect';
import type { PostgresConnection } from './connection-settings';
import { databaseConninfo } from './conninfo';
import { globalsInstructions } from './globals-instructions';
import { readServerVersion } from './server-version';
import { LOCK_WAIT_MS } from './snapshot';
import { ToolMessages } from './tool-messages';

/** `source.name` of every backup of a server's globals. */
export const GLOBALS_SOURCE = 'globals';

export interface DumpGlobalsOptions {
	readonly connection: PostgresConnection;
	readonly rolePasswords: boolean;
	/** Write the roles' password hashes unencrypted where the job has no key. */
	readonly allowUnencrypted: boolean;
	readonly compressionLevel: number;
	readonly lockWaitSeconds: number;
	readonly note?: string;
}

/**
 * Backs up what belongs to no database: roles, memberships, tablespaces, settings of roles. Holds password hashes unless they
 * are left out, and is stored for its owner's eyes only either way.
 */
export async function dumpGlobals(options: DumpGlobalsOptions, store: Store, context: JobContext): Promise<Manifest> {
	return await publishBackup(
		{
			store,
			context,
			component: 'postgres',
			kind: 'globals',
			sourceName: GLOBALS_SOURCE,
			lockWaitSeconds: options.lockWaitSeconds,
			encryptionPolicy: options.allowUnencrypted ? 'waived' : 'required',
			...(options.note === undefined ? {} : { note: options.note }),
		},
		(draft) => writeDraft(options, draft, context),
	);
}

async function writeDraft(options: DumpGlobalsOptions, draft: BackupDraft, context: JobContext): Promise<DraftOutcome> {
	const { connection } = options;
	const applicationName = `backup-recovery ${draft.id}`;
	context.progress({ step: `Connecting to ${connection.host}` });
	const server = await withClient(
		connection,
		{ signal: draft.signal, applicationName, doing: 'backing up roles and tablespaces' },
		async (client) => {
			const version = await readServerVersion(client);
			const { rows } = await client.query<{ superuser: boolean }>(
				`SELECT rolsuper OR has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS superuser FROM pg_roles WHERE rolname = current_user`,
			);
			if (options.rolePasswords && rows[0]?.superuser !== true) throw passwordsRefused(connection.user);
			return version;
		},
	);
	const pgDumpall = await findClient('pg_dumpall', {
		serverMajor: server.major,
		clientFolder: connection.clientFolder,
		signal: draft.signal,
	});
	const artifact = await withClientEnvironment(connection, { workFolder: context.workFolder, applicationName }, async (env) => {
		const messages = new ToolMessages();
		const source = streamTool({
			file: pgDumpall.path,
			args: [
				'--globals-only',
				'--no-password',
				`--lock-wait-timeout=${LOCK_WAIT_MS}`,
				...(options.rolePasswords ? [] : ['--no-role-passwords']),
				`--dbname=${databaseConninfo(connection.database)}`,
			],
			env,
			signal: draft.signal,
			onStderrLine: (line) => messages.push(line),
		});
		const written = await draft.writeArtifact(
			{
				name: 'globals.sql.zst',
				role: 'globals',
				mediaType: 'application/sql',
				compression: { algorithm: 'zstd', level: options.compressionLevel },
				secret: true,
				onSourceBytes: (done) => context.progress({ step: 'Dumping roles and tablespaces', done, unit: 'bytes' }),
			},
			messages.failOnError(complete(source)),
		);
		for (const { text } of messages.messages) draft.warn(`pg_dumpall: ${text}`);
		return written;
	});
	if (!options.rolePasswords)
		draft.warn('Without role passwords: a role that this backup creates cannot log in by password until one is set.');
	return {
		source: backupSource(GLOBALS_SOURCE, connection, server),
		postgres: { format: 'plain', clientVersion: pgDumpall.version },
		instructions: globalsInstructions({ id: draft.id, artifact, rolePasswords: options.rolePasswords }),
	};
}

const END_MARK = '-- PostgreSQL database cluster dump complete';

/** pg_dumpall ends with this comment; without it the text is cut, whatever the exit code says. */
async function* complete(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
	let tail = '';
	for await (const chunk of source) {
		tail = (tail + chunk.toString('latin1')).slice(-1000);
		yield chunk;
	}
	if (!tail.includes(END_MARK))
		throw new BackupError(
			'TOOL_FAILED',
			'pg_dumpall ended without writing its closing line: its output is not complete.',
			'Run the job again.',
		);
}

function passwordsRefused(user: string): BackupError {
	return new BackupError(
		'PERMISSION_DENIED',
		`Role passwords can be read by a superuser only, and "${user}" is none.`,
		`Turn "Role Passwords" off (roles then come back without a password), or use a superuser, or let this role read them: GRANT SELECT ON pg_catalog.pg_authid TO "${user.replaceAll('"', '""')}".`,
	);
}
