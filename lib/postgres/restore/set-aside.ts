import { escapeIdentifier } from 'pg';
import type { DatabaseMark } from './marker';
import { markStatement } from './scratch-database';

/** What keeps clients out of a database that is set aside, and says why it is there. */
export function setAsideStatements(database: string, mark: DatabaseMark): string[] {
	return [markStatement(database, mark), `ALTER DATABASE ${escapeIdentifier(database)} ALLOW_CONNECTIONS false`];
}
