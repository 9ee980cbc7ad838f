#!/bin/sh
# Backs the SQLite store up while the scheduler runs, and keeps the latest KEEP back-ups.
set -eu
: "${DATABASE:=/var/lib/scheduler/scheduler.db}"
: "${BACKUPS:=/var/backups/scheduler}"
: "${KEEP:=14}"
: "${PROGRAM:=/opt/scheduler/scheduler}"

mkdir -p "$BACKUPS"
# Looked through before it gets its name; a back-up that is not sound leaves nothing and ends this script.
"$PROGRAM" backup --to "$BACKUPS/scheduler-$(date -u +%Y%m%dT%H%M%SZ).db" "--Storage:Sqlite:Path=$DATABASE"
# Only after a good one the oldest go.
ls -1 "$BACKUPS"/scheduler-*.db | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
