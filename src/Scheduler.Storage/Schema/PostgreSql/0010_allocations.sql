-- What was asked of providers without an idempotency key. phase: name of AllocationPhase. asked_at, vendor_id: '' for none. notes: JSON.
CREATE TABLE allocations (
  provider text COLLATE "C" NOT NULL,
  allocation_key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  phase text COLLATE "C" NOT NULL,
  cluster text NOT NULL,
  instance text NOT NULL,
  asked_at text NOT NULL,
  vendor_id text NOT NULL,
  changed_at timestamptz NOT NULL,
  notes text NOT NULL,
  writer text NOT NULL,
  PRIMARY KEY (provider, allocation_key)
);
CREATE INDEX allocations_open ON allocations (provider) WHERE phase IN ('Asking', 'Held', 'Releasing');
CREATE INDEX allocations_by_change ON allocations (provider, changed_at);
