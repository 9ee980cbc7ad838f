-- Indexes for dashboard queries: instances by name, and failures by code and time.

-- Replaces an index over all instances. Lists by name contain only live instances, and a tombstone leaves this index.
-- State transitions do not update it.
DROP INDEX instances_by_serving_name;
CREATE INDEX instances_live_by_serving_name ON instances (serving_name, created_at, id) WHERE live = 1;

-- Partial indexes over failures; events without a code cost nothing.
CREATE INDEX events_by_failure ON events (code, at, kind) WHERE code IS NOT NULL;
CREATE INDEX events_by_account_failure ON events (account, code, at, kind) WHERE code IS NOT NULL;
