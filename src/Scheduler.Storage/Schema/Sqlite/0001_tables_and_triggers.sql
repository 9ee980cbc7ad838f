-- Tables of the scheduler. One statement on `states` writes a grain's state. The triggers at the end copy parts of its
-- payload to the other tables, so state, timeline, ledger, lists and deadlines commit together or not at all. One file
-- belongs to one scheduler: Orleans' service id is not part of any key.

CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;

-- kind: the state's name. id: the grain's text key; '' for a number or GUID key, which is in n0 and n1.
-- version: Orleans' etag. payload: JSON; NULL after a clear.
CREATE TABLE states (
  state_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  n0 INTEGER NOT NULL,
  n1 INTEGER NOT NULL,
  version INTEGER NOT NULL,
  payload TEXT
) STRICT;
CREATE UNIQUE INDEX states_by_key ON states (kind, id, n0, n1);

-- Timelines (INV-04): append-only.
CREATE TABLE events (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  account TEXT,
  at TEXT NOT NULL,
  trigger TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT,
  reason TEXT NOT NULL,
  request_id TEXT,
  actor TEXT NOT NULL,
  code TEXT,
  data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_subject ON events (kind, id, sequence);
CREATE INDEX events_by_request ON events (request_id) WHERE request_id IS NOT NULL;

-- Money (INV-05): append-only; amounts in micro-EUR.
CREATE TABLE ledger (
  account TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  balance_after INTEGER NOT NULL,
  at TEXT NOT NULL,
  request_id TEXT,
  reference TEXT,
  instance TEXT,
  run INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  seconds INTEGER NOT NULL,
  price_per_hour INTEGER NOT NULL,
  PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_by_key ON ledger (account, key);

-- Holds and metered charges of each instance, per account. tab: JSON.
CREATE TABLE tabs (
  account TEXT NOT NULL,
  instance TEXT NOT NULL,
  tab TEXT NOT NULL,
  PRIMARY KEY (account, instance)
) STRICT, WITHOUT ROWID;

-- List rows of instances. live: 0 for tombstones; the indexes of ordinary lists do not contain them.
CREATE TABLE instances (
  state_id INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  created_at TEXT NOT NULL,
  live INTEGER NOT NULL,
  state TEXT NOT NULL,
  code TEXT,
  provider TEXT,
  region TEXT,
  gpu_type TEXT,
  serving_name TEXT NOT NULL,
  model TEXT NOT NULL,
  search TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX instances_live ON instances (created_at, id) WHERE live = 1;
CREATE INDEX instances_live_by_account ON instances (account, created_at, id) WHERE live = 1;
CREATE INDEX instances_by_state ON instances (state, created_at, id);
CREATE INDEX instances_by_account_state ON instances (account, state, created_at, id);
CREATE INDEX instances_by_serving_name ON instances (serving_name, created_at, id);

-- Grains to wake, and when.
CREATE TABLE agenda (
  state_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  wake_at TEXT NOT NULL
) STRICT;
CREATE INDEX agenda_by_time ON agenda (wake_at);

-- List rows of all other kinds, by account.
CREATE TABLE entities (
  state_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT
) STRICT;
CREATE INDEX entities_by_account ON entities (kind, account, id);

-- ---------- triggers that copy a payload to the other tables ----------
-- Every insert and every update passes through these views. The first view passes the payload on in SQLite's binary
-- form, so it is parsed once instead of once per trigger. The others pass on one element each, so it is extracted once
-- instead of once per column.
CREATE VIEW written AS SELECT state_id, kind, id, payload FROM states;
CREATE VIEW written_event AS SELECT kind, id, id AS account, payload AS event FROM states;
CREATE VIEW written_entry AS SELECT id AS account, payload AS entry FROM states;

CREATE TRIGGER states_inserted AFTER INSERT ON states WHEN NEW.payload IS NOT NULL BEGIN
  INSERT INTO written VALUES (NEW.state_id, NEW.kind, NEW.id, jsonb(NEW.payload));
END;

CREATE TRIGGER states_updated AFTER UPDATE OF payload ON states WHEN NEW.payload IS NOT NULL BEGIN
  INSERT INTO written VALUES (NEW.state_id, NEW.kind, NEW.id, jsonb(NEW.payload));
END;

CREATE TRIGGER event_written INSTEAD OF INSERT ON written_event BEGIN
  INSERT INTO events (kind, id, sequence, account, at, trigger, from_state, to_state, reason, request_id, actor, code, data)
  VALUES (NEW.kind, NEW.id, NEW.event ->> 'sequence', NEW.account, NEW.event ->> 'at', NEW.event ->> 'trigger',
    NEW.event ->> 'from', NEW.event ->> 'to', NEW.event ->> 'reason', NEW.event ->> 'requestId', NEW.event ->> 'actor',
    NULLIF(NEW.event ->> 'code', 'NONE'), COALESCE(NEW.event -> 'data', '{}'));
END;

CREATE TRIGGER entry_written INSTEAD OF INSERT ON written_entry BEGIN
  INSERT INTO ledger (account, sequence, key, kind, amount, balance_after, at, request_id, reference, instance, run, segment, seconds, price_per_hour)
  VALUES (NEW.account, NEW.entry ->> 'sequence', NEW.entry ->> 'key', NEW.entry ->> 'kind', NEW.entry ->> 'amount',
    NEW.entry ->> 'balanceAfter', NEW.entry ->> 'at', NEW.entry ->> 'requestId', NEW.entry ->> 'reference',
    NEW.entry ->> 'instance', NEW.entry ->> 'run', NEW.entry ->> 'segment', NEW.entry ->> 'seconds', NEW.entry ->> 'pricePerHour');
END;

CREATE TRIGGER written_any INSTEAD OF INSERT ON written BEGIN
  INSERT INTO written_event (kind, id, account, event)
  SELECT NEW.kind, NEW.id, CASE NEW.kind WHEN 'account' THEN NEW.id ELSE NEW.payload ->> 'account' END, value
  FROM json_each(NEW.payload, '$.events');

  INSERT INTO agenda (state_id, kind, id, wake_at)
  SELECT NEW.state_id, NEW.kind, NEW.id, NEW.payload ->> 'wakeAt' WHERE NEW.payload ->> 'wakeAt' IS NOT NULL
  ON CONFLICT (state_id) DO UPDATE SET wake_at = excluded.wake_at WHERE wake_at <> excluded.wake_at;
  DELETE FROM agenda WHERE state_id = NEW.state_id AND NEW.payload ->> 'wakeAt' IS NULL;
END;

CREATE TRIGGER written_instance INSTEAD OF INSERT ON written WHEN NEW.kind = 'instance' BEGIN
  INSERT INTO instances (state_id, id, account, created_at, live, state, code, provider, region, gpu_type, serving_name, model, search, updated_at)
  VALUES (NEW.state_id, NEW.id, NEW.payload ->> 'account', NEW.payload ->> 'createdAt',
    NEW.payload ->> 'state' <> 'Deleted', NEW.payload ->> 'state', NEW.payload ->> '$.failure.failure.code',
    NEW.payload ->> '$.intent.offer.provider', NEW.payload ->> '$.intent.offer.region', NEW.payload ->> '$.intent.offer.gpuType',
    NEW.payload ->> 'servingName', NEW.payload ->> '$.spec.model',
    lower((NEW.payload ->> 'servingName') || char(10) || (NEW.payload ->> '$.spec.model') || char(10) || NEW.id),
    NEW.payload ->> 'updatedAt')
  -- Lists only the columns that may change, so SQLite does not update the indexes of other columns.
  ON CONFLICT (state_id) DO UPDATE SET state = excluded.state, code = excluded.code, provider = excluded.provider,
    region = excluded.region, gpu_type = excluded.gpu_type, model = excluded.model, search = excluded.search,
    updated_at = excluded.updated_at;
  UPDATE instances SET live = 0 WHERE state_id = NEW.state_id AND live = 1 AND state = 'Deleted';
  UPDATE instances SET serving_name = NEW.payload ->> 'servingName'
  WHERE state_id = NEW.state_id AND serving_name <> NEW.payload ->> 'servingName';
END;

CREATE TRIGGER written_account INSTEAD OF INSERT ON written WHEN NEW.kind = 'account' BEGIN
  INSERT INTO written_entry (account, entry) SELECT NEW.id, value FROM json_each(NEW.payload, '$.newEntries');

  INSERT INTO tabs (account, instance, tab)
  SELECT NEW.id, t.value ->> 'instance', t.value FROM json_each(NEW.payload, '$.changedTabs') AS t WHERE true
  ON CONFLICT (account, instance) DO UPDATE SET tab = excluded.tab;

  DELETE FROM tabs WHERE account = NEW.id AND instance IN (SELECT value FROM json_each(NEW.payload, '$.removedTabs'));
END;

CREATE TRIGGER written_entity INSTEAD OF INSERT ON written
WHEN NEW.kind IN ('account', 'key', 'model', 'provider', 'name') BEGIN
  INSERT INTO entities (state_id, kind, id, account)
  VALUES (NEW.state_id, NEW.kind, NEW.id,
    CASE NEW.kind WHEN 'account' THEN NEW.id ELSE NEW.payload ->> 'account' END)
  ON CONFLICT (state_id) DO UPDATE SET account = excluded.account WHERE account IS NOT excluded.account;
END;

-- Clearing or deleting a state removes its list rows; timeline and ledger stay.
CREATE TRIGGER states_cleared AFTER UPDATE OF payload ON states WHEN NEW.payload IS NULL BEGIN
  DELETE FROM agenda WHERE state_id = NEW.state_id;
  DELETE FROM instances WHERE state_id = NEW.state_id;
  DELETE FROM entities WHERE state_id = NEW.state_id;
END;

CREATE TRIGGER states_deleted AFTER DELETE ON states BEGIN
  DELETE FROM agenda WHERE state_id = OLD.state_id;
  DELETE FROM instances WHERE state_id = OLD.state_id;
  DELETE FROM entities WHERE state_id = OLD.state_id;
END;

-- Timeline and ledger are append-only, also for manual SQL.
CREATE TRIGGER events_fixed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER ledger_fixed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- ---------- queries of Orleans' grain storage ----------
-- Orleans' ADO.NET grain storage defines the keys and parameter names. Each text is a single statement, so that SQLite
-- undoes a failed one completely while the shared transaction continues.
CREATE TABLE OrleansQuery (
  QueryKey TEXT PRIMARY KEY,
  QueryText TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO OrleansQuery VALUES ('ReadFromStorageKey', '
SELECT CAST(payload AS BLOB) AS PayloadBinary, version AS Version FROM states
WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1');

-- Without an expected version, it must be the first write. With one, the row must exist and have that version.
INSERT INTO OrleansQuery VALUES ('WriteToStorageKey', '
INSERT INTO states (kind, id, n0, n1, version, payload)
SELECT @GrainTypeString, COALESCE(@GrainIdExtensionString, ''''), @GrainIdN0, @GrainIdN1, 1, CAST(@PayloadBinary AS TEXT)
WHERE @GrainStateVersion IS NULL OR EXISTS (
  SELECT 1 FROM states
  WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1)
ON CONFLICT (kind, id, n0, n1) DO UPDATE SET payload = excluded.payload, version = version + 1
WHERE version = @GrainStateVersion
RETURNING version AS NewGrainStateVersion');

INSERT INTO OrleansQuery VALUES ('ClearStorageKey', '
UPDATE states SET payload = NULL, version = version + 1
WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
  AND version = @GrainStateVersion
RETURNING version AS NewGrainStateVersion');

INSERT INTO OrleansQuery VALUES ('DeleteStorageKey', '
DELETE FROM states
WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
  AND version = @GrainStateVersion
RETURNING version + 1 AS NewGrainStateVersion');
