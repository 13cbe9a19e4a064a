import type pg from 'pg';
import { BackupError, throwIfAborted } from '../../core/errors';
import { withClient } from '../connect';
import type { PostgresConnection } from '../connection-settings';

const MOST_NAMED = 20;
const PG_DEFAULT = 1663;
const PG_GLOBAL = 1664;

/** Where a file of a relation is: https://www.postgresql.org/docs/current/storage-file-layout.html */
const FILE = /(?:(global)|base\/(\d+)|pg_tblspc\/(\d+)\/PG_[0-9_]+\/(\d+))\/(\d+)(?:_[a-z]+)?(?:\.\d+)?/;

interface DamagedFile {
	readonly path: string;
	readonly database: number | null;
	readonly tablespace: number;
	readonly fileNumber: number;
}

/** Collects the files of which the server says, while it sends them, that pages have wrong checksums. */
export class CorruptPages {
	private readonly files = new Map<string, DamagedFile>();

	/** Hears the server's warnings; their texts are translated, the paths in them are not. */
	readonly onNotice = (notice: { readonly message?: string; readonly code?: string }): void => {
		const match = FILE.exec(notice.message ?? '');
		if (!match || this.files.size >= MOST_NAMED) return;
		const [path, global, database, tablespace, databaseThere, fileNumber] = match;
		const file: DamagedFile = {
			path,
			database: global === undefined ? Number(database ?? databaseThere) : null,
			tablespace: global === undefined ? Number(tablespace ?? PG_DEFAULT) : PG_GLOBAL,
			fileNumber: Number(fileNumber),
		};
		this.files.set(path, file);
	};

	listen(client: pg.Client): void {
		client.on('notice', this.onNotice);
	}

	get any(): boolean {
		return this.files.size > 0;
	}

	/** The error that names the damaged files and, as far as the role may look, the tables and indexes that they belong to. */
	async toError(connection: PostgresConnection, signal: AbortSignal, cause: unknown): Promise<BackupError> {
		const named: string[] = [];
		for (const file of this.files.values()) named.push(await this.name(file, connection, signal));
		return new BackupError(
			'DATA_CORRUPTED',
			`The server found pages with wrong checksums: ${named.join('; ') || 'it did not say where'}.`,
			'Its disk or memory damaged data. Nothing was published; earlier backups are untouched, and must not be deleted now. Restore the named tables from a dump or an earlier backup (an index is mended by REINDEX), and check the disk.',
			{ cause },
		);
	}

	private async name(file: DamagedFile, connection: PostgresConnection, signal: AbortSignal): Promise<string> {
		try {
			const found = await relationOf(file, connection, signal);
			return found === undefined ? file.path : `${found} (${file.path})`;
		} catch {
			// The name only helps; a role for replication may not be let into that database.
			throwIfAborted(signal);
			return file.path;
		}
	}
}

async function relationOf(file: DamagedFile, connection: PostgresConnection, signal: AbortSignal): Promise<string | undefined> {
	const session = { signal, applicationName: 'backup-recovery base backup', doing: 'naming damaged tables' };
	const database = file.database === null ? connection.database : await withClient(connection, session, async (client) => await databaseName(client, file.database));
	if (database === undefined) return undefined;
	return await withClient(connection, { ...session, database }, async (client) => {
		const { rows } = await client.query<{ name: string | null }>('SELECT pg_catalog.pg_filenode_relation($1, $2)::regclass::text AS name', [file.tablespace, file.fileNumber]);
		const name = rows[0]?.name;
		return name === null || name === undefined ? undefined : `${name} in database ${JSON.stringify(database)}`;
	});
}

async function databaseName(client: pg.Client, oid: number | null): Promise<string | undefined> {
	const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_catalog.pg_database WHERE oid = $1', [oid]);
	return rows[0]?.datname;
}
