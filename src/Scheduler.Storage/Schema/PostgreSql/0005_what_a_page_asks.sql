-- What a page asks: lists in order of name, and failures by code and time.

-- In place of an index over all: only the living are listed by name, and a tombstone leaves it.
DROP INDEX instances_by_serving_name;
CREATE INDEX instances_live_by_serving_name ON instances (serving_name, created_at, id) WHERE live = 1;

-- Only events that are failures of instances are in these; an event without a code costs nothing.
CREATE INDEX events_by_failure ON events (code, at) WHERE kind = 'instance' AND code IS NOT NULL;
CREATE INDEX events_by_account_failure ON events (account, code, at) WHERE kind = 'instance' AND code IS NOT NULL;
