import { DatabaseSync } from 'node:sqlite';
import { BackupError } from '../core/errors';

/** How long to wait for a lock; readers of a database in WAL mode, which n8n's is, never need to. */
const BUSY_MS = 5_000;

/** Result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Opens a database of n8n's with foreign keys as they are stored, not as they are enforced. */
export function openSqlite(file: string, options: { readonly readOnly: boolean }): DatabaseSync {
	try {
		const database = new DatabaseSync(file, { readOnly: options.readOnly, enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true });
		database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
		return database;
	} catch (error) {
		throw sqliteError(error, file);
	}
}

/** Runs `body` on the database and closes it, whatever happens; errors of SQLite become exact ones. */
export async function withSqlite<T>(file: string, options: { readonly readOnly: boolean }, body: (database: DatabaseSync) => Promise<T> | T): Promise<T> {
	const database = openSqlite(file, options);
	try {
		return await body(database);
	} catch (error) {
		throw sqliteError(error, file);
	} finally {
		database.close();
	}
}

/** What SQLite's error means for the file at hand; any other error stays as it is. */
export function sqliteError(error: unknown, file: string): unknown {
	if (!isSqliteError(error)) return error;
	// The low byte is the kind; the rest tells more than anybody acts on.
	const result = (error.errcode ?? 0) & 0xff;
	const failed = (code: ConstructorParameters<typeof BackupError>[0], what: string, hint: string) => new BackupError(code, `${what} (SQLite: ${error.message}).`, hint, { cause: error });
	switch (result) {
		case BUSY:
		case LOCKED:
			return failed('DATABASE_IN_USE', `Another process holds a lock on the database ${file}`, 'See which process works on it (an n8n that runs a migration, a VACUUM, another tool), and run this again once it has ended.');
		case READONLY:
			return failed('PERMISSION_DENIED', `The database ${file} cannot be written`, 'Run this as the user that n8n runs as, and see that the folder is not mounted read-only.');
		case CORRUPT:
		case NOTADB:
			return failed('ARTIFACT_DAMAGED', `The database ${file} is damaged or is no SQLite database`, 'If it is the live one, restore the newest verified backup; if it came from a backup, use another backup.');
		case FULL:
			return failed('NO_SPACE', `There is no space for the database ${file}`, 'Make room on that disk, or set BACKUP_RECOVERY_TEMP to a folder on a larger one.');
		case CANTOPEN:
			return failed('DATABASE_NOT_FOUND', `The database ${file} cannot be opened`, "Check the path and the rights: it is DB_SQLITE_DATABASE (database.sqlite) in n8n's data folder, and the user of this process must be able to read it.");
		default:
			return failed('SERVER_ERROR', `SQLite could not work on ${file}`, 'Look up the message; if it persists, report it.');
	}
}

function isSqliteError(error: unknown): error is { readonly code: string; readonly errcode?: number; readonly message: string } {
	return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

/** A name as an SQL identifier: https://www.sqlite.org/lang_keywords.html */
export function quoteName(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
