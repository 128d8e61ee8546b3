#!/bin/sh
# Run once, when the database is made: a user that may read statistics, and nothing else.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$(cat /run/secrets/monitor_password)" <<'SQL'
CREATE ROLE monitor LOGIN PASSWORD :'password' IN ROLE pg_monitor;
SQL
