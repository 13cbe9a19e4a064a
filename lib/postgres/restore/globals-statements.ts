import type { SqlStatement } from './sql-statements';
import type { SqlToken } from './sql-tokens';

/** What a statement of `pg_dumpall --globals-only` is about. */
export type GlobalsStatement =
	| { readonly kind: 'session' }
	| { readonly kind: 'createRole'; readonly role: string }
	/** Changes `role`: attributes, settings, comment, security label, rights on a server setting. */
	| { readonly kind: 'changeRole'; readonly role: string }
	| { readonly kind: 'membership'; readonly role: string; readonly member: string }
	| { readonly kind: 'tablespace'; readonly name: string; readonly creates: boolean }
	| { readonly kind: 'unknown' };

/** Settings with which pg_dumpall begins; our session has them already. */
const SESSION_SETTINGS = ['default_transaction_read_only', 'client_encoding', 'standard_conforming_strings'];

/** Tells what kind of statement it is by its words; names are compared exactly. */
export function readGlobalsStatement({ tokens }: SqlStatement): GlobalsStatement {
	const words = tokens.map((token) => (token.type === 'word' ? token.value : ''));
	const starts = (...expected: string[]) => expected.every((word, at) => words[at] === word);
	const name = (at: number) => identifier(tokens[at]);
	const about = (at: number, make: (name: string) => GlobalsStatement): GlobalsStatement => {
		const found = name(at);
		return found === undefined ? { kind: 'unknown' } : make(found);
	};
	if (starts('set')) return SESSION_SETTINGS.includes(words[1] ?? '') ? { kind: 'session' } : { kind: 'unknown' };
	if (starts('create', 'role')) return about(2, (role) => ({ kind: 'createRole', role }));
	if (starts('alter', 'role')) return about(2, (role) => ({ kind: 'changeRole', role }));
	if (starts('comment', 'on', 'role')) return about(3, (role) => ({ kind: 'changeRole', role }));
	if (starts('security', 'label')) {
		const at = words.findIndex((word, index) => word === 'on' && words[index + 1] === 'role');
		return at < 0 ? { kind: 'unknown' } : about(at + 2, (role) => ({ kind: 'changeRole', role }));
	}
	if (starts('create', 'tablespace')) return about(2, (space) => ({ kind: 'tablespace', name: space, creates: true }));
	if (starts('alter', 'tablespace')) return about(2, (space) => ({ kind: 'tablespace', name: space, creates: false }));
	if (starts('comment', 'on', 'tablespace')) return about(3, (space) => ({ kind: 'tablespace', name: space, creates: false }));
	if (starts('grant') || starts('revoke')) return readGrant(words, name);
	return { kind: 'unknown' };
}

/** `GRANT a TO b …`, `GRANT … ON TABLESPACE x …`, `GRANT SET ON PARAMETER x TO b`. */
function readGrant(words: readonly string[], name: (at: number) => string | undefined): GlobalsStatement {
	const on = words.indexOf('on');
	if (on > 0 && words[on + 1] === 'tablespace') {
		const space = name(on + 2);
		return space === undefined ? { kind: 'unknown' } : { kind: 'tablespace', name: space, creates: false };
	}
	if (on > 0 && words[on + 1] === 'parameter') {
		const role = name(words.findIndex((word, at) => at > on && (word === 'to' || word === 'from')) + 1);
		return role === undefined ? { kind: 'unknown' } : { kind: 'changeRole', role };
	}
	const role = name(1);
	const member = words[2] === 'to' ? name(3) : undefined;
	return words[0] !== 'grant' || role === undefined || member === undefined ? { kind: 'unknown' } : { kind: 'membership', role, member };
}

function identifier(token: SqlToken | undefined): string | undefined {
	return token && (token.type === 'word' || token.type === 'quotedIdentifier') ? token.value : undefined;
}
