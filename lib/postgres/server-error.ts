import pg from 'pg';

/** What PostgreSQL itself reported: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isServerError(error: unknown): error is pg.DatabaseError {
	return error instanceof pg.DatabaseError;
}

/** The SQLSTATE of an error that the server reported, else undefined. Never compare wording: it is translated. */
export function sqlState(error: unknown): string | undefined {
	return isServerError(error) ? error.code : undefined;
}
