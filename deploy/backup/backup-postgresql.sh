#!/bin/sh
# Dumps a consistent snapshot of the PostgreSQL store while the scheduler runs. libpq's own variables name the database
# (PGHOST, PGDATABASE, PGUSER, PGPASSFILE). Keeps the latest KEEP dumps.
set -eu
: "${BACKUPS:=/var/backups/scheduler}"
: "${KEEP:=14}"

mkdir -p "$BACKUPS"
name=$BACKUPS/scheduler-$(date -u +%Y%m%dT%H%M%SZ).dump
umask 077
pg_dump --format=custom --no-owner --no-privileges --file="$name.partial"
# Fails if the dump cannot be read.
pg_restore --list "$name.partial" > /dev/null
mv -- "$name.partial" "$name"
echo "backup $name"
ls -1 "$BACKUPS"/scheduler-*.dump | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
