import type { BackupDraft } from '../backup/draft';
import type { JobContext } from '../core/context';
import { BackupError } from '../core/errors';
import type { PostgresConnection } from '../postgres/connection-settings';
import type { DatabasePart } from './backup-n8n';
import type { InstanceSettings } from './settings-file';

export interface DumpPostgresOptions {
	readonly connection: PostgresConnection;
	readonly database: string;
	readonly schema: string;
	readonly executions: boolean;
	readonly compressionLevel: number;
}

/** Dumps the database of an n8n that keeps its tables in PostgreSQL. */
export async function dumpPostgres(options: DumpPostgresOptions, _settings: InstanceSettings, _draft: BackupDraft, _context: JobContext): Promise<DatabasePart> {
	throw new BackupError('INVALID_INPUT', `This version cannot back up an n8n whose tables are in PostgreSQL ("${options.database}").`, 'Use Postgres Dump for it.');
}
