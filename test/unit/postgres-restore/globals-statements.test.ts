import { parseGlobals } from '../../../lib/postgres/restore/apply-globals';
import { readGlobalsStatement } from '../../../lib/postgres/restore/globals-statements';
import { splitStatements } from '../../../lib/postgres/restore/sql-statements';

const meaning = (sql: string) => splitStatements(`${sql};`).map(readGlobalsStatement)[0];

describe('what a statement of pg_dumpall is about', () => {
	it.each([
		["SET client_encoding = 'UTF8'", { kind: 'session' }],
		['SET default_transaction_read_only = off', { kind: 'session' }],
		["SET session_preload_libraries = 'evil'", { kind: 'unknown' }],
		['CREATE ROLE app', { kind: 'createRole', role: 'app' }],
		['CREATE ROLE App', { kind: 'createRole', role: 'app' }],
		['CREATE ROLE "to; ""x"""', { kind: 'createRole', role: 'to; "x"' }],
		["ALTER ROLE app WITH NOSUPERUSER PASSWORD 'SCRAM-SHA-256$4096:x'", { kind: 'changeRole', role: 'app' }],
		["ALTER ROLE app SET search_path TO 'a', 'b'", { kind: 'changeRole', role: 'app' }],
		["COMMENT ON ROLE app IS 'CREATE ROLE x;'", { kind: 'changeRole', role: 'app' }],
		["SECURITY LABEL FOR selinux ON ROLE app IS 'x'", { kind: 'changeRole', role: 'app' }],
		['GRANT parent TO app WITH ADMIN OPTION GRANTED BY postgres', { kind: 'membership', role: 'parent', member: 'app' }],
		['GRANT "on" TO "to" WITH ADMIN OPTION, INHERIT TRUE GRANTED BY "on"', { kind: 'membership', role: 'on', member: 'to' }],
		['GRANT SET ON PARAMETER work_mem TO app', { kind: 'changeRole', role: 'app' }],
		["CREATE TABLESPACE fast OWNER postgres LOCATION '/fast'", { kind: 'tablespace', name: 'fast', creates: true }],
		['GRANT ALL ON TABLESPACE fast TO app', { kind: 'tablespace', name: 'fast', creates: false }],
		['DROP ROLE app', { kind: 'unknown' }],
		['CREATE USER app', { kind: 'unknown' }],
		['ALTER SYSTEM SET x = 1', { kind: 'unknown' }],
		['GRANT ALL ON TABLE t TO app', { kind: 'unknown' }],
		["COPY t FROM PROGRAM 'x'", { kind: 'unknown' }],
		['DO $$ BEGIN END $$', { kind: 'unknown' }],
	])('%s', (sql, expected) => expect(meaning(sql)).toEqual(expected));

	it('of anything else makes the whole backup refused, by line', () => {
		expect(() => parseGlobals('id', "CREATE ROLE a;\nDROP DATABASE crm; ALTER ROLE a PASSWORD 'secret';")).toThrow(/line 2/);
		expect(parseGlobals('id', 'CREATE ROLE a; CREATE ROLE b;').roles).toEqual(new Set(['a', 'b']));
	});
});
