-- A small company's CRM, deterministic, about 300,000 rows at scale 1. :scale is replaced before this runs.
CREATE EXTENSION pg_trgm;
CREATE EXTENSION citext;

CREATE TYPE deal_stage AS ENUM ('lead', 'qualified', 'proposal', 'won', 'lost');
CREATE DOMAIN email AS citext CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE SCHEMA audit;

CREATE TABLE customers (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	company text NOT NULL,
	tax_number char(14) UNIQUE,
	country text NOT NULL DEFAULT 'BR',
	credit_limit numeric(12, 2) CHECK (credit_limit >= 0),
	tags text[] NOT NULL DEFAULT '{}',
	settings jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);
INSERT INTO customers (company, tax_number, country, credit_limit, tags, settings, created_at, updated_at)
SELECT
	(ARRAY['Ação', 'Horizonte', 'São João', 'Müller & Söhne', 'Łódź Steel', '株式会社', 'O''Neill', 'Vale "Verde"'])[1 + i % 8] || ' ' || i,
	lpad((i * 7919)::text, 14, '0'),
	(ARRAY['BR', 'PT', 'DE', 'PL', 'JP', 'IE'])[1 + i % 6],
	(i % 5000) * 13.37,
	ARRAY['tier-' || i % 4, E'multi\nline', 'tab\there'],
	jsonb_build_object('newsletter', i % 2 = 0, 'seats', i % 50, 'note', repeat('é', i % 20)),
	timestamptz '2025-01-01 00:00:00+00' + make_interval(mins => i * 7),
	timestamptz '2026-01-01 00:00:00+00' + make_interval(mins => i * 11)
FROM generate_series(1, (10000 * :scale)::int) AS i;
CREATE INDEX customers_company_trgm ON customers USING gin (company gin_trgm_ops);

CREATE TABLE contacts (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
	name text NOT NULL,
	email email UNIQUE,
	birthday date,
	search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED,
	updated_at timestamptz NOT NULL
);
INSERT INTO contacts (customer_id, name, email, birthday, updated_at)
SELECT 1 + (i * 31) % (10000 * :scale)::int, 'Contact ' || md5(i::text), 'Person' || i || '@Example.com', date '1960-01-01' + (i * 17) % 15000,
	timestamptz '2026-02-01 00:00:00+00' + make_interval(secs => i * 30)
FROM generate_series(1, (30000 * :scale)::int) AS i;
CREATE INDEX contacts_search ON contacts USING gin (search);

CREATE TABLE deals (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES customers,
	title text NOT NULL,
	stage deal_stage NOT NULL DEFAULT 'lead',
	amount numeric(14, 2) NOT NULL,
	valid daterange,
	updated_at timestamptz NOT NULL,
	EXCLUDE USING gist (int8range(id, id, '[]') WITH &&)
);
INSERT INTO deals (customer_id, title, stage, amount, valid, updated_at)
SELECT 1 + (i * 13) % (10000 * :scale)::int, 'Deal "' || i || '"; DROP TABLE deals; --', (enum_range(NULL::deal_stage))[1 + i % 5], (i * 37 % 900000) + 0.99,
	daterange(date '2026-01-01' + i % 300, date '2026-01-01' + i % 300 + 30), timestamptz '2026-03-01 00:00:00+00' + make_interval(secs => i * 60)
FROM generate_series(1, (20000 * :scale)::int) AS i;

CREATE TABLE activities (
	id bigint NOT NULL,
	contact_id bigint NOT NULL,
	kind text NOT NULL,
	body text,
	happened_at timestamptz NOT NULL,
	PRIMARY KEY (id, happened_at)
) PARTITION BY RANGE (happened_at);
DO $$
BEGIN
	FOR month IN 0..11 LOOP
		EXECUTE format('CREATE TABLE activities_%s PARTITION OF activities FOR VALUES FROM (%L) TO (%L)',
			to_char(timestamp '2026-01-01' + make_interval(months => month), 'YYYY_MM'),
			to_char(timestamp '2026-01-01' + make_interval(months => month), 'YYYY-MM-DD 00:00:00+00'),
			to_char(timestamp '2026-01-01' + make_interval(months => month + 1), 'YYYY-MM-DD 00:00:00+00'));
	END LOOP;
END $$;
CREATE TABLE activities_rest PARTITION OF activities DEFAULT;
INSERT INTO activities
SELECT i, 1 + i % (30000 * :scale)::int, (ARRAY['call', 'mail', 'visit', 'note'])[1 + i % 4], CASE WHEN i % 9 > 0 THEN md5(i::text) || ' ' || repeat('x', i % 120) END,
	timestamptz '2026-01-01 00:00:00+00' + make_interval(secs => (i * 311) % 33000000)
FROM generate_series(1, (100000 * :scale)::int) AS i;
CREATE INDEX activities_contact ON activities (contact_id);

CREATE TABLE logs (
	id bigserial PRIMARY KEY,
	level smallint NOT NULL,
	message text NOT NULL,
	address inet,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);
INSERT INTO logs (level, message, address, created_at, updated_at)
SELECT i % 5, 'request ' || md5((i % 4000)::text), ('10.' || i % 256 || '.' || i % 200 || '.' || i % 100)::inet, t, t
FROM (SELECT i, timestamptz '2026-10-01 00:00:00+00' + make_interval(secs => i * 20) AS t FROM generate_series(1, (110000 * :scale)::int) AS i) AS entries;

CREATE TABLE user_sessions (
	token uuid PRIMARY KEY,
	user_name text NOT NULL,
	payload bytea,
	valid_for interval,
	updated_at timestamptz NOT NULL
);
INSERT INTO user_sessions
SELECT md5('session ' || i)::uuid, 'user' || i % 300, decode(md5(i::text), 'hex'), make_interval(hours => i % 72),
	timestamptz '2026-11-01 00:00:00+00' + make_interval(secs => i * 45)
FROM generate_series(1, (29000 * :scale)::int) AS i;

CREATE TABLE attachments (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	deal_id bigint NOT NULL REFERENCES deals,
	"File Name" text NOT NULL,
	content oid NOT NULL
);
INSERT INTO attachments (deal_id, "File Name", content)
SELECT i, 'contract ' || i || '.pdf', lo_from_bytea((500000 + i)::oid, decode(repeat(md5('file ' || i), 200 + i % 50), 'hex'))
FROM generate_series(1, (300 * :scale)::int) AS i;

CREATE TABLE audit.changes (
	at timestamptz NOT NULL,
	what text NOT NULL
);
INSERT INTO audit.changes
SELECT timestamptz '2026-06-01 00:00:00+00' + make_interval(secs => i), 'change ' || i FROM generate_series(1, (700 * :scale)::int) AS i;

CREATE VIEW open_deals AS SELECT c.company, d.title, d.amount FROM deals d JOIN customers c ON c.id = d.customer_id WHERE d.stage NOT IN ('won', 'lost');
CREATE MATERIALIZED VIEW revenue AS SELECT customer_id, sum(amount) AS total FROM deals WHERE stage = 'won' GROUP BY customer_id;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END $$;
CREATE TRIGGER customers_touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
