import { BackupError } from '../../core/errors';

/**
 * One lexical element of SQL as PostgreSQL writes it in its own dumps:
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html (with `standard_conforming_strings = on`).
 * `value` is the meaning of an identifier (folded to lower case unless quoted); for the other types it is the text itself.
 */
export interface SqlToken {
	readonly type: 'word' | 'quotedIdentifier' | 'string' | 'symbol' | 'semicolon' | 'clientCommand';
	readonly value: string;
	/** Offsets into the text: first character, and the one behind the last. */
	readonly start: number;
	readonly end: number;
}

const WORD_START = /[A-Za-z_\u0080-\u{10ffff}]/u;
const WORD_PART = /[A-Za-z0-9_$\u0080-\u{10ffff}]/u;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\u{10ffff}][A-Za-z0-9_\u0080-\u{10ffff}]*)?\$/uy;

/**
 * The tokens of an SQL text, without white space and comments. A backslash outside quotes starts a command for psql, which
 * reaches to the end of its line.
 * @throws BackupError `ARTIFACT_DAMAGED` for a quote or comment that never ends
 */
export function* sqlTokens(text: string): Generator<SqlToken, void, void> {
	let at = 0;
	while (at < text.length) {
		const character = text[at] as string;
		const next = text[at + 1];
		if (/\s/.test(character)) {
			at += 1;
		} else if (character === '-' && next === '-') {
			at = endOfLine(text, at);
		} else if (character === '/' && next === '*') {
			at = endOfBlockComment(text, at);
		} else {
			const token = readToken(text, at, character, next);
			yield token;
			at = token.end;
		}
	}
}

function readToken(text: string, start: number, character: string, next: string | undefined): SqlToken {
	const token = (type: SqlToken['type'], end: number, value = text.slice(start, end)): SqlToken => ({ type, value, start, end });
	if (character === ';') return token('semicolon', start + 1);
	if (character === '\\') return token('clientCommand', endOfLine(text, start));
	if (character === "'") return token('string', endOfQuoted(text, start, "'"));
	if (character === '"') {
		const end = endOfQuoted(text, start, '"');
		return token('quotedIdentifier', end, text.slice(start + 1, end - 1).replaceAll('""', '"'));
	}
	if ((character === 'E' || character === 'e') && next === "'") return token('string', endOfEscapeString(text, start + 1));
	if (character === '$') {
		DOLLAR_QUOTE.lastIndex = start;
		const opening = DOLLAR_QUOTE.exec(text)?.[0];
		if (opening !== undefined) {
			const closing = text.indexOf(opening, start + opening.length);
			if (closing < 0) throw unfinished('dollar-quoted string', text, start);
			return token('string', closing + opening.length);
		}
	}
	if (WORD_START.test(codePoint(text, start))) {
		let end = start;
		while (end < text.length && WORD_PART.test(codePoint(text, end))) end += codePoint(text, end).length;
		return token('word', end, text.slice(start, end).toLowerCase());
	}
	return token('symbol', start + codePoint(text, start).length);
}

function codePoint(text: string, at: number): string {
	return String.fromCodePoint(text.codePointAt(at) as number);
}

function endOfLine(text: string, start: number): number {
	const end = text.indexOf('\n', start);
	return end < 0 ? text.length : end;
}

/** Block comments nest in PostgreSQL. */
function endOfBlockComment(text: string, start: number): number {
	let depth = 0;
	for (let at = start; at < text.length; ) {
		if (text.startsWith('/*', at)) {
			depth += 1;
			at += 2;
		} else if (text.startsWith('*/', at)) {
			depth -= 1;
			at += 2;
			if (depth === 0) return at;
		} else {
			at += 1;
		}
	}
	throw unfinished('comment', text, start);
}

function endOfQuoted(text: string, start: number, quote: string): number {
	for (let at = start + 1; ; ) {
		const found = text.indexOf(quote, at);
		if (found < 0) throw unfinished(quote === '"' ? 'quoted name' : 'string', text, start);
		if (text[found + 1] !== quote) return found + 1;
		at = found + 2;
	}
}

function endOfEscapeString(text: string, start: number): number {
	for (let at = start + 1; at < text.length; at += 1) {
		if (text[at] === '\\') at += 1;
		else if (text[at] === "'") {
			if (text[at + 1] !== "'") return at + 1;
			at += 1;
		}
	}
	throw unfinished('string', text, start);
}

/** Names the line only: the text may hold password hashes. */
function unfinished(what: string, text: string, start: number): BackupError {
	const line = text.slice(0, start).split('\n').length;
	return new BackupError('ARTIFACT_DAMAGED', `The SQL text ends inside a ${what} that begins in line ${line}.`, 'The backup is not complete: use another one.');
}
