-- What was asked of providers without an idempotency key. phase: name of AllocationPhase. asked_at, vendor_id: '' for none. notes: JSON.
CREATE TABLE allocations (
  provider TEXT NOT NULL,
  allocation_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  phase TEXT NOT NULL,
  cluster TEXT NOT NULL,
  instance TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  vendor_id TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  notes TEXT NOT NULL,
  writer TEXT NOT NULL,
  PRIMARY KEY (provider, allocation_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX allocations_open ON allocations (provider) WHERE phase IN ('Asking', 'Held', 'Releasing');
CREATE INDEX allocations_by_change ON allocations (provider, changed_at);
