-- About 1.2 GB: wide and narrow rows, text, numbers, times, UUIDs and JSON; as compressible as a CRM's tables are.
CREATE TABLE customers (
	id bigserial PRIMARY KEY, name text, email text, created timestamptz, note text, amount numeric(12, 2)
);
INSERT INTO customers (name, email, created, note, amount)
SELECT 'Customer ' || i, 'user' || i || '@example.com', timestamptz '2026-01-01' - i * interval '1 minute',
	md5(i::text) || ' asked for an offer and a call back ' || md5((i * 7)::text), (i % 27027 * 37) / 100.0
FROM generate_series(1, 2500000) i;

CREATE TABLE logs (id bigserial, at timestamptz, level text, message text);
INSERT INTO logs (at, level, message)
SELECT timestamptz '2026-01-01' - i * interval '1 second', (ARRAY['info', 'warning', 'error'])[1 + i % 3],
	'request ' || i || ' took ' || (i % 7919 % 1000) || ' ms path /api/v1/deals/' || i % 1000
FROM generate_series(1, 4000000) i;

CREATE TABLE user_sessions (id uuid PRIMARY KEY, user_id integer, data jsonb);
INSERT INTO user_sessions
SELECT md5(i::text)::uuid, i, jsonb_build_object('ip', '10.0.' || i % 256 || '.' || i % 199, 'agent', 'Mozilla/5.0', 'n', i)
FROM generate_series(1, 1500000) i;

ANALYZE;
