#!/bin/sh
# Backs up the SQLite store while the scheduler runs, and keeps the latest KEEP back-ups.
set -eu
: "${DATABASE:=/var/lib/scheduler/scheduler.db}"
: "${BACKUPS:=/var/backups/scheduler}"
: "${KEEP:=14}"
: "${PROGRAM:=/opt/scheduler/scheduler}"

mkdir -p "$BACKUPS"
# The program checks the copy before it gives it its name. A bad back-up is deleted and ends this script.
"$PROGRAM" backup --to "$BACKUPS/scheduler-$(date -u +%Y%m%dT%H%M%SZ).db" "--Storage:Sqlite:Path=$DATABASE"
# The oldest are deleted only after a good back-up.
ls -1 "$BACKUPS"/scheduler-*.db | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
