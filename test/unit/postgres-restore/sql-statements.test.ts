import fc from 'fast-check';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { splitStatements } from '../../../lib/postgres/restore/sql-statements';
import { sqlTokens } from '../../../lib/postgres/restore/sql-tokens';

const texts = (sql: string) => splitStatements(sql).map((statement) => statement.text);
const code = (work: () => unknown) => {
	try {
		work();
	} catch (error) {
		return (error as { code: string }).code;
	}
	return 'none';
};

describe('splitting SQL into statements', () => {
	it.each([
		['SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
		[`SELECT ';'';' ; SELECT 2;`, [`SELECT ';'';'`, 'SELECT 2']],
		[`SELECT E'a\\';b' ;`, [`SELECT E'a\\';b'`]],
		[`SELECT e'\\\\'; SELECT 'x\\'; SELECT 3;`, [`SELECT e'\\\\'`, `SELECT 'x\\'`, 'SELECT 3']],
		[`SELECT ";"";" FROM "a--b";`, [`SELECT ";"";" FROM "a--b"`]],
		['SELECT $$;$$; SELECT $a$ $$ ; $b$ $a$;', ['SELECT $$;$$', 'SELECT $a$ $$ ; $b$ $a$']],
		['SELECT a$1$ + 1; SELECT $1;', ['SELECT a$1$ + 1', 'SELECT $1']],
		['-- a; comment\nSELECT 1 -- ; here\n; /* ; /* nested ; */ ; */ SELECT 2;', ['SELECT 1 -- ; here', 'SELECT 2']],
		['\\restrict aB12\nSELECT 1;\n\\unrestrict aB12\n', ['SELECT 1']],
		[';;; ', []],
		['', []],
		['SELECT 1 /* no end of line */;', ['SELECT 1 /* no end of line */']],
	])('%j', (sql, expected) => expect(texts(sql)).toEqual(expected));

	it.each(['SELECT 1', `SELECT 'a;`, 'SELECT "a;', 'SELECT $x$ a; $y$', '/* /* */ SELECT 1;', `SELECT E'a\\';`])('refuses what ends too early: %j', (sql) =>
		expect(code(() => splitStatements(sql))).toBe('ARTIFACT_DAMAGED'),
	);

	it.each(['\\! rm -rf /', '\\connect other', '\\i /etc/passwd', 'SELECT 1 \\gexec\n;', '\\restrict a; \\! x', '\\copy t FROM PROGRAM \'x\'', 'SELECT 1 \\restrict a\n;'])('refuses commands for psql: %j', (line) =>
		expect(code(() => splitStatements(`SELECT 1;\n${line}\nSELECT 2;`))).toBe('ARTIFACT_DAMAGED'),
	);

	it('names lines, never texts', () => {
		expect(() => splitStatements(`SELECT 1;\n\nALTER ROLE a PASSWORD 'secret;\n`)).toThrow(/line 3\./);
		expect(splitStatements('-- x\n\nSELECT 1;\nSELECT\n2;').map((statement) => statement.line)).toEqual([3, 4]);
	});

	it('finds each statement again, whatever its names and values are', () => {
		const statement = fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' })).map(([name, value]) => {
			const clean = (text: string) => text.replaceAll('\0', '') || 'x';
			return { name: clean(name), sql: `COMMENT ON ROLE ${escapeIdentifier(clean(name))} IS ${escapeLiteral(clean(value)).trimStart()}` };
		});
		fc.assert(
			fc.property(fc.array(statement), (statements) => {
				const sql = statements.map((each) => `${each.sql};\n`).join('-- it; is\n');
				expect(texts(sql)).toEqual(statements.map((each) => each.sql));
				const names = splitStatements(sql).map(({ tokens }) => tokens.find((token) => token.type === 'quotedIdentifier')?.value);
				expect(names).toEqual(statements.map((each) => each.name));
			}),
		);
	});

	it('never loses a character: tokens cover everything but white space and comments, in order', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '1', '+', '\n', '(', ';', 'é', '🐘', ',') }), (text) => {
				const joined = [...sqlTokens(text)].map((token) => text.slice(token.start, token.end)).join('');
				expect(joined).toBe(text.replace(/\s/g, ''));
			}),
		);
	});
});
