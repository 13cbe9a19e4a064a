/**
 * A connection string that names just a database, for `--dbname`. The bare name will not do: one with `=` in it, or one that
 * starts with `postgres://`, would be read as a connection string itself.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
 */
export function databaseConninfo(database: string): string {
	return `dbname='${database.replace(/[\\']/g, '\\$&')}'`;
}
