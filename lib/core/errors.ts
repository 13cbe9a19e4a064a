/** Every code a `BackupError` may carry. Callers branch on the code, never on the wording. */
export const ERROR_CODES = [
	'INVALID_INPUT',
	'CANCELLED',
	'TIMED_OUT',
	'JOB_CRASHED',
	'RUNTIME_TOO_OLD',
	'LOCK_HELD',
	'LOCK_LOST',
	'STORE_UNAVAILABLE',
	'STORE_NOT_WRITABLE',
	'STORE_FULL',
	'OBJECT_NOT_FOUND',
	'OBJECT_NOT_LOCKED',
	'PATH_REFUSED',
	'BACKUP_NOT_FOUND',
	'MANIFEST_INVALID',
	'MANIFEST_TOO_NEW',
	'ARTIFACT_DAMAGED',
	'ENCRYPTION_REQUIRED',
	'KEY_MISSING',
	'KEY_WRONG',
	'CLIENT_MISSING',
	'CLIENT_TOO_OLD',
	'TOOL_FAILED',
	'SERVER_UNREACHABLE',
	'AUTHENTICATION_FAILED',
	'TLS_FAILED',
	'DATABASE_NOT_FOUND',
	'TABLE_NOT_FOUND',
	'COLUMN_NOT_FOUND',
	'PERMISSION_DENIED',
	'SERVER_VERSION',
	'EXTENSION_MISSING',
	'ROLE_MISSING',
	'DATABASE_EXISTS',
	'DATABASE_NOT_EMPTY',
	'DATABASE_IN_USE',
	'NOT_VERIFIED',
	'NOT_CONFIRMED',
	'N8N_DATABASE',
	'FOLDER_NOT_FOUND',
	'FOLDER_NOT_EMPTY',
	'FILES_UNREADABLE',
	'ARCHIVE_REFUSED',
	'TARGET_NOT_WRITABLE',
	'CHAIN_INCOMPLETE',
	'WAL_INVALID',
	'WAL_GAP',
	'WAL_CONFLICT',
	'N8N_KEY_MISSING',
	'N8N_KEY_WRONG',
	'NO_SPACE',
	'RESTORE_FAILED',
	'PROOF_MISMATCH',
	'RECOVERY_POINT_INCOMPLETE',
	'WAL_DAMAGED',
	'TARGET_UNREACHABLE',
	'TARGET_MISSED',
	'DATA_CORRUPTED',
	'ASSERTION_FAILED',
	'INCREMENTAL_REFUSED',
	'SERVER_ERROR',
	'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The plain-data form in which an error crosses the process boundary. Carries no secrets and no stack of dependencies. */
export interface SerializedError {
	readonly code: ErrorCode;
	readonly message: string;
	readonly hint: string;
	readonly cause?: string;
}

/**
 * An error that a person can act on: `message` says what happened and to what, `hint` what to do next.
 * `cause` keeps the original error. None of the three may hold a secret.
 */
export class BackupError extends Error {
	override readonly name = 'BackupError';

	constructor(
		readonly code: ErrorCode,
		message: string,
		readonly hint: string,
		options: { cause?: unknown } = {},
	) {
		super(message, options);
	}

	toJSON(): SerializedError {
		return { code: this.code, message: this.message, hint: this.hint, cause: describeCause(this.cause) };
	}

	static fromJSON(data: SerializedError): BackupError {
		return new BackupError(data.code, data.message, data.hint, data.cause === undefined ? {} : { cause: data.cause });
	}
}

/** Wraps anything thrown into a `BackupError`; one that already is stays as it is. */
export function toBackupError(error: unknown): BackupError {
	if (error instanceof BackupError) return error;
	if (isErrorLike(error) && error.name === 'AbortError') return cancelled(error);
	return new BackupError(
		'INTERNAL',
		isErrorLike(error) ? error.message : String(error),
		'This is not an error we foresaw. Run the job again; if it persists, report it with the message above.',
		{ cause: error },
	);
}

/** The error of a job that a person, n8n or a time-out ended. */
export function cancelled(cause?: unknown): BackupError {
	return new BackupError('CANCELLED', 'The job was cancelled.', 'Nothing was published. Start it again when you are ready.', { cause });
}

/** Throws `CANCELLED` (or the BackupError given as the abort reason) when the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
	if (!signal.aborted) return;
	throw signal.reason instanceof BackupError ? signal.reason : cancelled(signal.reason);
}

function describeCause(cause: unknown): string | undefined {
	if (cause === undefined) return undefined;
	if (isErrorLike(cause)) return cause.message;
	return typeof cause === 'string' ? cause : undefined;
}

/** By shape, not by class: an error may come from another realm, where `instanceof Error` is false. */
function isErrorLike(value: unknown): value is { readonly name: string; readonly message: string } {
	return typeof value === 'object' && value !== null && 'name' in value && 'message' in value && typeof value.message === 'string';
}
