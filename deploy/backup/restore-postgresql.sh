#!/bin/sh
# Restores a dump, in one transaction, into the empty database that libpq's variables name: restore-postgresql.sh DUMP
set -eu
if [ "$(psql --no-align --tuples-only --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
    echo "The database is not empty: createdb a new one, and point the scheduler at it." >&2
    exit 1
fi

pg_restore --no-owner --no-privileges --single-transaction --exit-on-error --dbname="${PGDATABASE:?}" "$1"
# Removes the silos of the old cluster from the membership.
psql --quiet --command="DELETE FROM membership; DELETE FROM membership_version"
echo "$1 is now $PGDATABASE."
