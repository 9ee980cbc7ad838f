#!/bin/sh
# Replaces the SQLite store by a back-up: restore-sqlite.sh BACKUP DATABASE. Keeps the old files beside it.
set -eu
backup=$1
database=$2

# The scheduler holds this lock while it runs.
exec 9>>"$database.lock"
if ! flock --nonblock --exclusive 9; then
    echo "A scheduler runs on $database: stop it first." >&2
    exit 1
fi

stamp=$(date -u +%Y%m%dT%H%M%SZ)
# SQLite must never apply the log of the old file to the new one.
for part in "$database" "$database-wal" "$database-shm"; do
    if [ -e "$part" ]; then
        mv -- "$part" "$part.before-$stamp"
    fi
done

cp -- "$backup" "$database.partial"
chmod 600 "$database.partial"
if [ "$(id -u)" = 0 ]; then
    chown --reference="$(dirname "$database")" "$database.partial" "$database.lock"
fi
sync "$database.partial"
mv -- "$database.partial" "$database"
echo "$backup is now $database."
