import { BackupError } from '../../core/errors';
import { type SqlToken, sqlTokens } from './sql-tokens';

export interface SqlStatement {
	/** The statement as written, without the closing semicolon. May hold secrets. */
	readonly text: string;
	readonly tokens: readonly SqlToken[];
	/** Where it begins, from 1. */
	readonly line: number;
}

/** psql commands that `pg_dump` and `pg_dumpall` write around their output; they carry no meaning for a server. */
const HARMLESS_CLIENT_COMMANDS = /^\\(?:un)?restrict(?: [A-Za-z0-9]+)?\s*$/;

/**
 * Splits what `pg_dumpall` writes into statements.
 * @throws BackupError `ARTIFACT_DAMAGED` when the text ends inside a statement, or holds a psql command other than `\restrict` and
 *   `\unrestrict`: such a line could run programs or read files, and no dump of ours has one
 */
export function splitStatements(text: string): SqlStatement[] {
	const statements: SqlStatement[] = [];
	let tokens: SqlToken[] = [];
	let line = 1;
	let lineCountedTo = 0;
	const lineAt = (offset: number): number => {
		for (let at = text.indexOf('\n', lineCountedTo); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
			line += 1;
			lineCountedTo = at + 1;
		}
		return line;
	};
	for (const token of sqlTokens(text)) {
		if (token.type === 'clientCommand') {
			if (tokens.length === 0 && HARMLESS_CLIENT_COMMANDS.test(token.value)) continue;
			throw new BackupError(
				'ARTIFACT_DAMAGED',
				`Line ${lineAt(token.start)} of the SQL text holds a command for psql, which no backup of ours contains.`,
				'Somebody has changed this backup, or it was not made by this package. Do not use it.',
			);
		}
		if (token.type !== 'semicolon') {
			tokens.push(token);
			continue;
		}
		const first = tokens[0];
		if (first) statements.push({ text: text.slice(first.start, token.start).trimEnd(), tokens, line: lineAt(first.start) });
		tokens = [];
	}
	const left = tokens[0];
	if (left) {
		throw new BackupError('ARTIFACT_DAMAGED', `The SQL text ends inside the statement that begins in line ${lineAt(left.start)}.`, 'The backup is not complete: use another one.');
	}
	return statements;
}
