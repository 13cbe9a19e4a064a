import { escapeIdentifier, escapeLiteral } from 'pg';
import type { PostgresServer } from './postgres-server';

/** Names that break whatever builds SQL, shell commands, patterns, connection strings or file names by gluing text together. */
export const HOSTILE = {
	database: `crm=live "it's"; DROP\n$HOME -x 🐘é`,
	schema: `sch"ema's\n$1; -- 🦊.*?`,
	/** Another schema whose name a careless pattern for the first would match as well. */
	lookalikeSchema: `schXema's`,
	table: `ta"ble.with 'all'\n--\\ $$;* é🐢|(+)[a]{2}^`,
	lookalikeTable: `ta"bleXwith`,
	column: `co"l'u;m\nn $2 😀`,
	role: `ro"le's $x; 🧀`,
} as const;

const id = escapeIdentifier;
const text = escapeLiteral;

/**
 * Makes a database in which every name is hostile and every kind of object occurs that a dump carries: about 30 tables, small but
 * for one row of 4 MB. Needs a superuser. Roles are the server's: `dropHostileRoles` removes them once no database needs them.
 */
export async function createHostileDatabase(server: PostgresServer, database: string = HOSTILE.database): Promise<void> {
	const has = await server.query<{ name: string }>('SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)', 'postgres', [
		[HOSTILE.role, 'hostile_reader'],
	]);
	for (const role of [HOSTILE.role, 'hostile_reader'])
		if (!has.some(({ name }) => name === role)) await server.query(`CREATE ROLE ${id(role)}`);
	await server.query(`CREATE DATABASE ${id(database)} TEMPLATE template0 OWNER ${id(HOSTILE.role)}`);
	await server.query(`ALTER DATABASE ${id(database)} SET search_path TO ${id(HOSTILE.schema)}, public`);
	await server.query(`ALTER DATABASE ${id(database)} SET work_mem TO '12MB'`);
	await server.query(`ALTER DATABASE ${id(database)} SET my.setting TO ${text(HOSTILE.column)}`);
	await server.query(`ALTER ROLE ${id(HOSTILE.role)} IN DATABASE ${id(database)} SET statement_timeout TO '42s'`);
	await server.query(`COMMENT ON DATABASE ${id(database)} IS ${text(`It's "live"\n$; 🐘`)}`);
	await server.query(`REVOKE CONNECT ON DATABASE ${id(database)} FROM PUBLIC`);
	await server.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${id(database)} TO hostile_reader`);
	for (const step of [names(), types(), tables(), rows(), objects(), largeObjects()]) await server.query(step, database);
}

/** Removes the roles; their databases must be gone. */
export async function dropHostileRoles(server: PostgresServer): Promise<void> {
	for (const role of [HOSTILE.role, 'hostile_reader']) await server.query(`DROP ROLE IF EXISTS ${id(role)}`);
}

const s = id(HOSTILE.schema);
const t = `${s}.${id(HOSTILE.table)}`;
const c = id(HOSTILE.column);

function names(): string {
	return `
		CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION pg_trgm SCHEMA public;
		CREATE SCHEMA ${s} AUTHORIZATION ${id(HOSTILE.role)};
		CREATE SCHEMA ${id(HOSTILE.lookalikeSchema)};
		CREATE TABLE ${id(HOSTILE.lookalikeSchema)}.${id(HOSTILE.lookalikeTable)} (a int);
		INSERT INTO ${id(HOSTILE.lookalikeSchema)}.${id(HOSTILE.lookalikeTable)} VALUES (1), (1), (NULL);
		CREATE TABLE ${t} (${c} text PRIMARY KEY, "r" int, "select" int DEFAULT 1 CHECK ("select" > 0));
		INSERT INTO ${t} VALUES (${text(HOSTILE.column)}, 1), (E'\\\\N', 2), ('\\.', 3), (E'tab\\tcr\\rlf\\nbs\\\\', 4), ('', NULL), ('Grüße, 世界 🌍', 6);
		COMMENT ON TABLE ${t} IS ${text(HOSTILE.table)};
		COMMENT ON COLUMN ${t}.${c} IS ${text(HOSTILE.column)};
		GRANT SELECT ON ${t} TO hostile_reader;
		GRANT INSERT (${c}) ON ${t} TO ${id(HOSTILE.role)} WITH GRANT OPTION;`;
}

function types(): string {
	return `
		CREATE TYPE ${s}."mood's" AS ENUM ('so "so"', 'it''s ok', 'line
break', '🙂');
		CREATE DOMAIN ${s}."posi;tive" AS int CHECK (VALUE > 0);
		CREATE TYPE ${s}."pa""ir" AS (a int, "b c" text);
		CREATE TYPE ${s}.float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
		CREATE COLLATION ${s}.plain (provider = libc, locale = 'C');`;
}

function tables(): string {
	return `
		CREATE TABLE public.every_type (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b boolean, s smallint, i integer, n numeric(30, 10), nn numeric, f4 real, f8 double precision, m money,
			t text COLLATE ${s}.plain, v varchar(20), ch char(7), nm name, "c" "char", by bytea, d date, ti time, tz timetz, ts timestamp, tstz timestamptz, iv interval,
			u uuid, j json, jb jsonb, x xml, ip inet, cd cidr, mac macaddr, mac8 macaddr8, bt bit(5), vb bit varying(9), pt point, ln line, sg lseg, bx box, ph path, pg polygon, ci circle,
			tsv tsvector, tsq tsquery, ir int4range, br int8range, nr numrange, tr tsrange, ttr tstzrange, dr daterange, fr ${s}.float_range, ia int[], ta text[][], o oid, rc regclass, lsn pg_lsn,
			e ${s}."mood's", ea ${s}."mood's"[], dom ${s}."posi;tive", pr ${s}."pa""ir", pra ${s}."pa""ir"[], h public.hstore, cit public.citext,
			twice int GENERATED ALWAYS AS (i * 2) STORED, jp jsonpath
		);
		CREATE TABLE public.empty (a int, b text);
		CREATE TABLE public.no_columns ();
		CREATE TABLE public.dropped (a int, gone text, b text); ALTER TABLE public.dropped DROP COLUMN gone;
		CREATE UNLOGGED TABLE public.unlogged (a int);
		CREATE TABLE public.huge (id int PRIMARY KEY, body text, raw bytea);
		CREATE TABLE public.parent (id int, kind text, CHECK (id >= 0));
		CREATE TABLE public.child (extra text DEFAULT 'x') INHERITS (public.parent);
		CREATE TABLE public.orders (id int NOT NULL, at date NOT NULL, region text NOT NULL, amount numeric, PRIMARY KEY (id, at, region)) PARTITION BY RANGE (at);
		CREATE TABLE public.orders_2025 PARTITION OF public.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (region);
		CREATE TABLE ${s}."orders 2025 'eu'" PARTITION OF public.orders_2025 FOR VALUES IN ('eu');
		CREATE TABLE public.orders_2025_rest PARTITION OF public.orders_2025 DEFAULT;
		CREATE TABLE public.orders_rest PARTITION OF public.orders DEFAULT;
		CREATE INDEX orders_amount ON public.orders (amount);
		CREATE TABLE public.lines (id serial PRIMARY KEY, order_id int, order_at date, order_region text, note text,
			FOREIGN KEY (order_id, order_at, order_region) REFERENCES public.orders DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE public.a (id int PRIMARY KEY, b int); CREATE TABLE public.b (id int PRIMARY KEY, a int REFERENCES public.a);
		ALTER TABLE public.a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES public.b;
		CREATE TABLE public.rooms (room int, during tsrange, EXCLUDE USING gist (during WITH &&));
		CREATE TABLE public.secrets (owner text, body text); ALTER TABLE public.secrets ENABLE ROW LEVEL SECURITY; ALTER TABLE public.secrets FORCE ROW LEVEL SECURITY;
		CREATE POLICY "own; rows" ON public.secrets USING (owner = current_user);`;
}

function rows(): string {
	return `
		INSERT INTO public.every_type (b, s, i, n, nn, f4, f8, m, t, v, ch, nm, "c", by, d, ti, tz, ts, tstz, iv, u, j, jb, x, ip, cd, mac, mac8, bt, vb, pt, ln, sg, bx, ph, pg, ci,
			tsv, tsq, ir, br, nr, tr, ttr, dr, fr, ia, ta, o, rc, lsn, e, ea, dom, pr, pra, h, cit, jp)
		VALUES (true, -32768, 2147483, 12345678901234567890.0123456789, 'NaN', 1.1, 0.1::float8 + 0.2::float8, 12.34, 'é "q" ''s'' \\ ', 'v', 'ch', 'nm', 'c', '\\x00ff5c27', '4713-01-01 BC', '24:00',
			'12:00+05:30', 'infinity', '2026-03-29 02:30:00.123456+02', '-1 year 2 mons -3 days 04:05:06.789', '00000000-0000-4000-8000-000000000001', '{"a":  1, "a": 2}', '{"b": [1, null, "é"]}', '<a b="c">d</a>',
			'10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'101', '(1,2)', '{1,2,3}', '[(0,0),(1,1)]', '((0,0),(1,1))', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),1>',
			to_tsvector('english', 'The quick brown fox'), to_tsquery('english', 'fox & !dog'), '[1,5)', 'empty', '(,5]', '[2026-01-01,2026-02-01)', '[2026-01-01 00:00+00,)', '[2026-01-01,2026-01-31]', '[0.1,0.2]',
			'[0:1]={1,NULL}', '{{a,"b,c"},{NULL,"\\""}}', 4294967295, 'public.empty', '16/B374D848', '🙂', ARRAY['it''s ok', 'so "so"']::${s}."mood's"[], 7, ROW (1, 'x "y" (z),'), ARRAY[ROW (NULL, '')]::${s}."pa""ir"[], '"a b"=>"1", c=>NULL', 'MiXed', '$.a[*]');
		INSERT INTO public.every_type (f4, f8) VALUES ('-0', 'NaN'), ('Infinity', '-Infinity'), (3.4e38, 5e-324);
		INSERT INTO public.every_type DEFAULT VALUES;
		INSERT INTO public.no_columns SELECT FROM generate_series(1, 3);
		INSERT INTO public.dropped VALUES (1, 'x'), (1, 'x'), (2, NULL);
		INSERT INTO public.unlogged VALUES (1);
		INSERT INTO public.huge SELECT 1, string_agg(md5(g::text), E'\\n'), decode(string_agg(md5((-g)::text), ''), 'hex') FROM generate_series(1, 80000) g;
		INSERT INTO public.parent VALUES (1, 'p'), (2, 'p'); INSERT INTO public.child VALUES (3, 'c', 'e');
		INSERT INTO public.orders SELECT g, DATE '2024-12-01' + g, CASE WHEN g % 2 = 0 THEN 'eu' ELSE 'us' END, g * 1.5 FROM generate_series(1, 500) g;
		INSERT INTO public.lines (order_id, order_at, order_region, note) SELECT id, at, region, 'n' || id FROM public.orders WHERE id <= 50;
		INSERT INTO public.a VALUES (1, NULL); INSERT INTO public.b VALUES (1, 1); UPDATE public.a SET b = 1;
		INSERT INTO public.rooms VALUES (1, '[2026-01-01,2026-01-02)');
		INSERT INTO public.secrets VALUES ('postgres', 'a'), ('somebody', 'b');`;
}

function objects(): string {
	return `
		CREATE VIEW ${s}."vi'ew" AS SELECT ${c}, "r" FROM ${t} WHERE "r" IS NOT NULL;
		CREATE MATERIALIZED VIEW public.totals AS SELECT region, sum(amount) AS amount FROM public.orders GROUP BY region;
		CREATE UNIQUE INDEX ON public.totals (region);
		CREATE FUNCTION ${s}."fu""nc"(a int, b text DEFAULT 'x;$$') RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN a + length(b); END $body$;
		CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
		CREATE PROCEDURE public.nothing() LANGUAGE sql AS 'SELECT 1';
		CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int, initcond = '0');
		CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
		CREATE EVENT TRIGGER "watch; ddl" ON ddl_command_end EXECUTE FUNCTION public.on_ddl();
		CREATE TRIGGER "touch 'it'" BEFORE UPDATE ON ${t} FOR EACH ROW EXECUTE FUNCTION public.touch();
		CREATE TRIGGER touch_orders AFTER INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch();
		CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.touch();
		CREATE RULE "no; delete" AS ON DELETE TO public.rooms DO INSTEAD NOTHING;
		CREATE SEQUENCE ${s}."se""q" START 100 INCREMENT -5 MINVALUE -1000 MAXVALUE 100 CYCLE;
		SELECT nextval('${s.replaceAll("'", "''")}."se""q"'), nextval('${s.replaceAll("'", "''")}."se""q"');
		CREATE STATISTICS public.order_statistics (ndistinct) ON region, at FROM public.orders;
		CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER "far; away" FOREIGN DATA WRAPPER nowhere OPTIONS (host 'x''y');
		CREATE USER MAPPING FOR ${id(HOSTILE.role)} SERVER "far; away";
		CREATE FOREIGN TABLE public.remote (a int) SERVER "far; away";
		CREATE OPERATOR public.=== (leftarg = int, rightarg = int, function = int4eq);
		CREATE FUNCTION public.mood_number(${s}."mood's") RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE CAST (${s}."mood's" AS int) WITH FUNCTION public.mood_number(${s}."mood's");
		CREATE TEXT SEARCH CONFIGURATION public.simple_copy (copy = pg_catalog.simple);
		CREATE PUBLICATION "pu""b" FOR TABLE public.a, ${t};
		CREATE INDEX ON public.every_type USING gin (t public.gin_trgm_ops);
		CREATE INDEX partial ON public.orders_rest (id) WHERE amount > 10;
		ALTER DEFAULT PRIVILEGES IN SCHEMA ${s} GRANT SELECT ON TABLES TO hostile_reader;
		ALTER TABLE public.parent OWNER TO ${id(HOSTILE.role)};
		COMMENT ON FUNCTION public.touch() IS 'says''s';`;
}

function largeObjects(): string {
	return `
		SELECT lo_from_bytea(70001, '\\x0001ff'), lo_from_bytea(70002, ''), lo_from_bytea(70003, decode(repeat('00112233445566778899aabbccddeeff', 70000), 'hex'));
		SELECT lo_create(70004); SELECT lo_put(70004, 3000000, 'sparse');
		COMMENT ON LARGE OBJECT 70001 IS 'a large one';
		GRANT SELECT ON LARGE OBJECT 70001 TO hostile_reader;
		ALTER LARGE OBJECT 70002 OWNER TO ${id(HOSTILE.role)};`;
}
