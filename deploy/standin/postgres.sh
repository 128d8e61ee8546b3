#!/bin/sh
# What the entry point of the usual image does, for the stand-in: makes the database on the first
# start, runs what lies in /docker-entrypoint-initdb.d, and becomes the server.
set -eu
export PATH="/usr/lib/postgresql/17/bin:$PATH"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
    --auth-host scram-sha-256 --auth-local trust --encoding UTF8 --locale C.UTF-8 > /dev/null
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options "-c listen_addresses='' -k /run/postgresql" start > /dev/null
  export PGHOST=/run/postgresql
  createdb --username "$POSTGRES_USER" "$POSTGRES_DB" 2> /dev/null || true
  for script in /docker-entrypoint-initdb.d/*.sh; do
    sh "$script"
  done
  pg_ctl --wait stop > /dev/null
fi
shift
exec postgres -c listen_addresses='*' -k /run/postgresql "$@"
