-- The scheduler's memory on PostgreSQL 15 or newer: the same tables and the same rule as on SQLite. A grain's state is written
-- by one call of write_state(); the trigger on `states` turns what it carries into rows in the same transaction.
-- One schema is one scheduler: Orleans' service id is not part of any key. Keys compare byte by byte ("C"), as on SQLite.

CREATE TABLE schema_version (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL
);

CREATE TABLE states (
  state_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  n0 bigint NOT NULL,
  n1 bigint NOT NULL,
  version integer NOT NULL,
  payload jsonb
);
CREATE UNIQUE INDEX states_by_key ON states (kind, id, n0, n1);

-- Timelines (INV-04): append-only.
CREATE TABLE events (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  account text COLLATE "C",
  at timestamptz NOT NULL,
  trigger text NOT NULL,
  from_state text,
  to_state text,
  reason text NOT NULL,
  request_id text COLLATE "C",
  actor text NOT NULL,
  code text,
  data jsonb NOT NULL
);
CREATE UNIQUE INDEX events_by_subject ON events (kind, id, sequence);
CREATE INDEX events_by_request ON events (request_id) WHERE request_id IS NOT NULL;

-- Money (INV-05): append-only; amounts in micro-EUR.
CREATE TABLE ledger (
  account text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  amount bigint NOT NULL,
  balance_after bigint NOT NULL,
  at timestamptz NOT NULL,
  request_id text,
  reference text,
  instance text COLLATE "C",
  run integer NOT NULL,
  segment integer NOT NULL,
  seconds bigint NOT NULL,
  price_per_hour bigint NOT NULL,
  PRIMARY KEY (account, sequence)
);
CREATE UNIQUE INDEX ledger_by_key ON ledger (account, key);

-- What each instance reserves or owes at its account.
CREATE TABLE tabs (
  account text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  tab jsonb NOT NULL,
  PRIMARY KEY (account, instance)
);

-- What instances are listed by. live: false for tombstones, which ordinary lists never walk through.
CREATE TABLE instances (
  state_id bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  account text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  live boolean NOT NULL,
  state text COLLATE "C" NOT NULL,
  code text,
  provider text,
  region text,
  gpu_type text,
  serving_name text COLLATE "C" NOT NULL,
  model text NOT NULL,
  search text NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX instances_live ON instances (created_at, id) WHERE live;
CREATE INDEX instances_live_by_account ON instances (account, created_at, id) WHERE live;
CREATE INDEX instances_by_state ON instances (state, created_at, id);
CREATE INDEX instances_by_account_state ON instances (account, state, created_at, id);
CREATE INDEX instances_by_serving_name ON instances (serving_name, created_at, id);

-- Which grains must be woken, and when.
CREATE TABLE agenda (
  state_id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  wake_at timestamptz NOT NULL
);
CREATE INDEX agenda_by_time ON agenda (wake_at);

-- The small kinds, by account.
CREATE TABLE entities (
  state_id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  account text COLLATE "C"
);
CREATE INDEX entities_by_account ON entities (kind, account, id);

-- ---------- what a write carries becomes rows ----------
CREATE FUNCTION project_any(s states) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO events (kind, id, sequence, account, at, trigger, from_state, to_state, reason, request_id, actor, code, data)
  SELECT s.kind, s.id, (e ->> 'sequence')::bigint,
    CASE s.kind WHEN 'account' THEN s.id ELSE s.payload ->> 'account' END,
    (e ->> 'at')::timestamptz, e ->> 'trigger', e ->> 'from', e ->> 'to', e ->> 'reason', e ->> 'requestId', e ->> 'actor',
    NULLIF(e ->> 'code', 'NONE'), COALESCE(e -> 'data', '{}')
  FROM jsonb_array_elements(s.payload -> 'events') AS e;

  IF s.payload ->> 'wakeAt' IS NULL THEN
    DELETE FROM agenda WHERE state_id = s.state_id;
  ELSE
    INSERT INTO agenda (state_id, kind, id, wake_at)
    VALUES (s.state_id, s.kind, s.id, (s.payload ->> 'wakeAt')::timestamptz)
    ON CONFLICT (state_id) DO UPDATE SET wake_at = excluded.wake_at WHERE agenda.wake_at <> excluded.wake_at;
  END IF;

  IF s.kind IN ('account', 'key', 'model', 'provider', 'name') THEN
    INSERT INTO entities (state_id, kind, id, account)
    VALUES (s.state_id, s.kind, s.id, CASE s.kind WHEN 'account' THEN s.id ELSE s.payload ->> 'account' END)
    ON CONFLICT (state_id) DO UPDATE SET account = excluded.account
    WHERE entities.account IS DISTINCT FROM excluded.account;
  END IF;
END $$;

CREATE FUNCTION project_instance(s states) RETURNS void LANGUAGE plpgsql AS $$
DECLARE offer jsonb := s.payload #> '{intent,offer}';
BEGIN
  INSERT INTO instances (state_id, id, account, created_at, live, state, code, provider, region, gpu_type, serving_name, model, search, updated_at)
  VALUES (s.state_id, s.id, s.payload ->> 'account', (s.payload ->> 'createdAt')::timestamptz,
    s.payload ->> 'state' <> 'Deleted', s.payload ->> 'state', s.payload #>> '{failure,failure,code}',
    offer ->> 'provider', offer ->> 'region', offer ->> 'gpuType',
    s.payload ->> 'servingName', s.payload #>> '{spec,model}',
    lower(((s.payload ->> 'servingName') || chr(10) || (s.payload #>> '{spec,model}') || chr(10) || s.id) COLLATE "C"),
    (s.payload ->> 'updatedAt')::timestamptz)
  ON CONFLICT (state_id) DO UPDATE SET live = excluded.live, state = excluded.state, code = excluded.code,
    provider = excluded.provider, region = excluded.region, gpu_type = excluded.gpu_type,
    serving_name = excluded.serving_name, model = excluded.model, search = excluded.search, updated_at = excluded.updated_at;
END $$;

CREATE FUNCTION project_account(s states) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ledger (account, sequence, key, kind, amount, balance_after, at, request_id, reference, instance, run, segment, seconds, price_per_hour)
  SELECT s.id, (e ->> 'sequence')::bigint, e ->> 'key', e ->> 'kind', (e ->> 'amount')::bigint, (e ->> 'balanceAfter')::bigint,
    (e ->> 'at')::timestamptz, e ->> 'requestId', e ->> 'reference', e ->> 'instance', (e ->> 'run')::integer,
    (e ->> 'segment')::integer, (e ->> 'seconds')::bigint, (e ->> 'pricePerHour')::bigint
  FROM jsonb_array_elements(s.payload -> 'newEntries') AS e;

  INSERT INTO tabs (account, instance, tab)
  SELECT s.id, t ->> 'instance', t FROM jsonb_array_elements(s.payload -> 'changedTabs') AS t
  ON CONFLICT (account, instance) DO UPDATE SET tab = excluded.tab;

  DELETE FROM tabs
  WHERE account = s.id AND instance IN (SELECT jsonb_array_elements_text(s.payload -> 'removedTabs'));
END $$;

CREATE FUNCTION state_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM project_any(NEW);
  IF NEW.kind = 'instance' THEN
    PERFORM project_instance(NEW);
  ELSIF NEW.kind = 'account' THEN
    PERFORM project_account(NEW);
  END IF;
  RETURN NULL;
END $$;

-- A cleared or deleted state leaves the lists; its timeline and ledger stay.
CREATE FUNCTION state_cleared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM agenda WHERE state_id = OLD.state_id;
  DELETE FROM instances WHERE state_id = OLD.state_id;
  DELETE FROM entities WHERE state_id = OLD.state_id;
  RETURN NULL;
END $$;

CREATE TRIGGER states_written AFTER INSERT OR UPDATE OF payload ON states
FOR EACH ROW WHEN (NEW.payload IS NOT NULL) EXECUTE FUNCTION state_written();
CREATE TRIGGER states_cleared AFTER UPDATE OF payload ON states
FOR EACH ROW WHEN (NEW.payload IS NULL) EXECUTE FUNCTION state_cleared();
CREATE TRIGGER states_deleted AFTER DELETE ON states FOR EACH ROW EXECUTE FUNCTION state_cleared();

-- History is not rewritten, by us or by a hand in a shell.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER events_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER ledger_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- ---------- what Orleans asks ----------
-- A function and not a text: its plan is kept per connection, and the connection string must say No Reset On Close=true for
-- that to help. Without an expected version it must be the first write; with one, the row must be there and be at it.
CREATE FUNCTION write_state(a_kind text, an_id text, an_n0 bigint, an_n1 bigint, a_payload bytea, a_version integer)
RETURNS TABLE (NewGrainStateVersion integer) LANGUAGE plpgsql AS $$
BEGIN
  IF a_version IS NULL THEN
    RETURN QUERY
    INSERT INTO states AS s (kind, id, n0, n1, version, payload)
    VALUES (a_kind, COALESCE(an_id, ''), an_n0, an_n1, 1, convert_from(a_payload, 'UTF8')::jsonb)
    ON CONFLICT (kind, id, n0, n1) DO NOTHING
    RETURNING s.version;
  ELSE
    RETURN QUERY
    UPDATE states AS s SET payload = convert_from(a_payload, 'UTF8')::jsonb, version = s.version + 1
    WHERE s.kind = a_kind AND s.id = COALESCE(an_id, '') AND s.n0 = an_n0 AND s.n1 = an_n1 AND s.version = a_version
    RETURNING s.version;
  END IF;
END $$;

-- The names are quoted nowhere: Orleans reads columns without regard to case.
CREATE TABLE OrleansQuery (
  QueryKey text PRIMARY KEY,
  QueryText text NOT NULL
);

INSERT INTO OrleansQuery VALUES ('ReadFromStorageKey', '
SELECT convert_to(payload::text, ''UTF8'') AS PayloadBinary, version AS Version FROM states
WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1');

INSERT INTO OrleansQuery VALUES ('WriteToStorageKey', '
SELECT NewGrainStateVersion
FROM write_state(@GrainTypeString, @GrainIdExtensionString, @GrainIdN0, @GrainIdN1, @PayloadBinary, @GrainStateVersion)');

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
