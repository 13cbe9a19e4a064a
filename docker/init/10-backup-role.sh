#!/bin/sh
# Runs once, when the data folder of PostgreSQL is made: a role for backups that can read everything and change nothing.
set -eu

# By the environment of psql, not by its arguments, which everybody on the machine can read.
BACKUP_PASSWORD=$(cat "${SECRETS:-/run/secrets}/backup_password") psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password BACKUP_PASSWORD
CREATE ROLE backup LOGIN REPLICATION PASSWORD :'password';
GRANT pg_read_all_data, pg_read_all_settings TO backup;
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO backup;
SQL
