import type { DatabaseSettings, PostgresProof } from '../../../lib/catalog/postgres-manifest';
import { configurationStatements, privilegeStatements } from '../../../lib/postgres/restore/apply-settings';
import { compareProof } from '../../../lib/postgres/restore/compare-proof';
import { createDatabaseStatement } from '../../../lib/postgres/restore/create-database';

const proof = (changes: Partial<PostgresProof> = {}): PostgresProof => ({
	takenAt: '2026-11-22T02:00:00Z',
	scope: 'exact',
	tables: [{ schema: 'public', name: 'deals', rows: 3, fingerprint: 'f' }, { schema: 'a.b', name: 'c', rows: 0 }],
	largeObjects: { count: 2, fingerprint: 'l' },
	objects: { table: 2, index: 1 },
	...changes,
});

describe('comparing with the proof', () => {
	it('finds nothing where nothing differs', () => {
		expect(compareProof(proof(), proof(), true)).toMatchObject({ equal: true, differences: [], warnings: [] });
		expect(compareProof(proof(), proof(), true).tables[0]).toEqual({ schema: 'public', name: 'deals', expectedRows: 3, actualRows: 3, contentEqual: true, equal: true });
		expect(compareProof(proof(), proof(), true).tables[1]).toEqual({ schema: 'a.b', name: 'c', expectedRows: 0, actualRows: 0, contentEqual: undefined, equal: true });
	});

	it.each([
		['a missing table', proof({ tables: [{ schema: 'public', name: 'deals', rows: 3, fingerprint: 'f' }] }), '"a.b.c" is missing'],
		['an additional table', proof({ tables: [...proof().tables, { schema: 'x', name: 'y', rows: 0 }] }), '"x.y" is in the restored database'],
		['fewer rows', proof({ tables: [{ schema: 'public', name: 'deals', rows: 2, fingerprint: 'f' }, { schema: 'a.b', name: 'c', rows: 0 }] }), 'has 2 rows instead of 3'],
		['other contents', proof({ tables: [{ schema: 'public', name: 'deals', rows: 3, fingerprint: 'g' }, { schema: 'a.b', name: 'c', rows: 0 }] }), 'other contents'],
		['contents that were not compared', proof({ tables: [{ schema: 'public', name: 'deals', rows: 3 }, { schema: 'a.b', name: 'c', rows: 0 }] }), 'other contents'],
		['a table of the same name when glued together', proof({ tables: [{ schema: 'public', name: 'deals', rows: 3, fingerprint: 'f' }, { schema: 'a', name: 'b.c', rows: 0 }] }), 'is missing'],
		['fewer large objects', proof({ largeObjects: { count: 1, fingerprint: 'l' } }), '1 large objects instead of 2'],
		['other large objects', proof({ largeObjects: { count: 2, fingerprint: 'm' } }), 'large objects have other contents'],
		['no large objects', proof({ largeObjects: undefined }), '0 large objects instead of 2'],
		['fewer indexes', proof({ objects: { table: 2 } }), '"index" is 0 instead of 1'],
		['a new kind of object', proof({ objects: { table: 2, index: 1, rule: 1 } }), '"rule" is 1 instead of 0'],
	])('finds %s', (_what, actual, message) => {
		const result = compareProof(proof(), actual, true);
		expect(result.equal).toBe(false);
		expect(result.differences.join('; ')).toContain(message);
	});

	it('only warns of other counts of objects on another major version, and ignores what was not chosen', () => {
		expect(compareProof(proof(), proof({ objects: {} }), false)).toMatchObject({ equal: true, warnings: [expect.any(String), expect.any(String)] });
		const selection = proof({ scope: 'selection', objects: {}, largeObjects: undefined });
		expect(compareProof(selection, proof({ tables: [...proof().tables, { schema: 'x', name: 'y', rows: 1 }] }), true).equal).toBe(true);
	});
});

describe('statements for a database', () => {
	const settings = { owner: 'o"w', encoding: 'UTF8', localeProvider: 'icu', collate: 'C', ctype: "C'x", locale: 'de', icuRules: '&a < b', tablespace: 'fast' } as DatabaseSettings;

	it('create it as the server of that version can', () => {
		const at = (major: number, tablespaces: string[] = []) => createDatabaseStatement('d"b', settings, { major, tablespaces: new Set(tablespaces) });
		expect(at(16, ['fast'])).toBe(`CREATE DATABASE "d""b" TEMPLATE template0 OWNER "o""w" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C''x' LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < b' TABLESPACE "fast"`);
		expect(at(15)).toBe(`CREATE DATABASE "d""b" TEMPLATE template0 OWNER "o""w" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C''x' LOCALE_PROVIDER icu ICU_LOCALE 'de'`);
		expect(createDatabaseStatement('d', { ...settings, localeProvider: 'libc' }, { major: 14, tablespaces: new Set() })).not.toContain('PROVIDER');
		expect(createDatabaseStatement('d', { ...settings, localeProvider: 'builtin', locale: 'C.UTF-8' }, { major: 17, tablespaces: new Set() })).toContain(`LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`);
	});

	it('set what was set, lists as lists', () => {
		const statements = configurationStatements('db', {
			configuration: [{ name: 'search_path', value: '"$user", public, "a b"' }, { name: 'my.setting', value: "it's" }, { name: 'search_path', value: '' }],
			roleConfiguration: [{ role: 'r"', name: 'work_mem', value: '7MB' }],
		});
		expect(statements).toEqual([
			`ALTER DATABASE "db" SET "search_path" TO "$user", public, "a b"`,
			`ALTER DATABASE "db" SET "my"."setting" TO 'it''s'`,
			`ALTER DATABASE "db" SET "search_path" TO ''`,
			`ALTER ROLE "r""" IN DATABASE "db" SET "work_mem" TO '7MB'`,
		]);
	});

	it('grant by the grantor, those first on which others rest', () => {
		const privilege = 'CONNECT';
		expect(
			privilegeStatements('db', 'owner', [
				{ grantee: 'b', grantor: 'a', privilege, grantable: false },
				{ grantee: 'a', grantor: 'owner', privilege, grantable: true },
				{ grantee: 'public', grantor: 'owner', privilege: 'TEMPORARY', grantable: false },
			]),
		).toEqual([
			'REVOKE ALL ON DATABASE "db" FROM PUBLIC',
			'REVOKE ALL ON DATABASE "db" FROM "owner"',
			'GRANT CONNECT ON DATABASE "db" TO "a" WITH GRANT OPTION',
			'GRANT TEMPORARY ON DATABASE "db" TO PUBLIC',
			'SET LOCAL ROLE "a"',
			'GRANT CONNECT ON DATABASE "db" TO "b"',
			'RESET ROLE',
		]);
	});
});
