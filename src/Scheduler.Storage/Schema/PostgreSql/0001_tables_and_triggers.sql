-- Tables of the scheduler for PostgreSQL 14 or newer; the same tables and rules as on SQLite. write_states() writes
-- many grain states at once. The triggers on `states` copy parts of the payloads to the other tables in the same
-- statement, so state, timeline, ledger, lists and deadlines commit together or not at all. One schema belongs to one
-- scheduler: Orleans' service id is not part of any key. Keys compare byte by byte ("C"), as on SQLite.

CREATE TABLE schema_version (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL
);

-- kind: the state's name. id: the grain's text key; '' for a number or GUID key, which is in n0 and n1.
-- version: Orleans' etag. payload: JSON text as written; NULL after a clear.
CREATE TABLE states (
  state_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  n0 bigint NOT NULL,
  n1 bigint NOT NULL,
  version integer NOT NULL,
  payload text
-- Free space in each page for new row versions (HOT updates), so that updates do not change indexes.
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX states_by_key ON states (kind, id, n0, n1);
-- PostgreSQL compresses large states. lz4 takes a tenth of the default method's time, if the server supports it.
DO $$ BEGIN
  ALTER TABLE states ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$;

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

-- Holds and metered charges of each instance, per account.
CREATE TABLE tabs (
  account text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  tab jsonb NOT NULL,
  PRIMARY KEY (account, instance)
) WITH (fillfactor = 70);

-- List rows of instances. live: 0 for tombstones; the indexes of ordinary lists do not contain them.
CREATE TABLE instances (
  state_id bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  account text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  live smallint NOT NULL,
  state text COLLATE "C" NOT NULL,
  code text COLLATE "C",
  provider text COLLATE "C",
  region text COLLATE "C",
  gpu_type text COLLATE "C",
  serving_name text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  search text COLLATE "C" NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX instances_live ON instances (created_at, id) WHERE live = 1;
CREATE INDEX instances_live_by_account ON instances (account, created_at, id) WHERE live = 1;
CREATE INDEX instances_by_state ON instances (state, created_at, id);
CREATE INDEX instances_by_account_state ON instances (account, state, created_at, id);
CREATE INDEX instances_by_serving_name ON instances (serving_name, created_at, id);

-- Grains to wake, and when.
CREATE TABLE agenda (
  state_id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  wake_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX agenda_by_time ON agenda (wake_at);

-- List rows of all other kinds, by account.
CREATE TABLE entities (
  state_id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  account text COLLATE "C"
);
CREATE INDEX entities_by_account ON entities (kind, account, id);

-- SQLite's name for strpos(), which the shared SQL uses.
CREATE FUNCTION instr(haystack text, needle text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT strpos(haystack, needle)';

-- ---------- triggers that copy payloads to the other tables ----------
-- One statement for all states of a write, so that each payload is parsed once and each table is updated once.
CREATE FUNCTION states_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH w AS MATERIALIZED (
    SELECT s.state_id, s.kind, s.id, p.*,
      CASE s.kind WHEN 'account' THEN s.id ELSE p.account END AS owner
    FROM written AS s, jsonb_to_record(s.payload::jsonb) AS p (
      account text, events jsonb, "wakeAt" timestamptz, "newEntries" jsonb, "changedTabs" jsonb, "removedTabs" jsonb,
      state text, "createdAt" timestamptz, "updatedAt" timestamptz, "servingName" text, spec jsonb, intent jsonb, failure jsonb)
    WHERE s.payload IS NOT NULL
  ), new_events AS (
    INSERT INTO events (kind, id, sequence, account, at, trigger, from_state, to_state, reason, request_id, actor, code, data)
    SELECT w.kind, w.id, e.sequence, w.owner, e.at, e.trigger, e."from", e."to", e.reason, e."requestId", e.actor,
      NULLIF(e.code, 'NONE'), COALESCE(e.data, '{}')
    FROM w, jsonb_to_recordset(w.events) AS e (
      sequence bigint, at timestamptz, trigger text, "from" text, "to" text, reason text, "requestId" text, actor text, code text,
      data jsonb)
  ), waiting AS (
    INSERT INTO agenda (state_id, kind, id, wake_at)
    SELECT state_id, kind, id, "wakeAt" FROM w WHERE "wakeAt" IS NOT NULL ORDER BY state_id
    ON CONFLICT (state_id) DO UPDATE SET wake_at = excluded.wake_at WHERE agenda.wake_at <> excluded.wake_at
  ), done AS (
    DELETE FROM agenda WHERE state_id = ANY (ARRAY(SELECT state_id FROM w WHERE "wakeAt" IS NULL))
  ), small AS (
    INSERT INTO entities (state_id, kind, id, account)
    SELECT state_id, kind, id, owner FROM w WHERE kind IN ('account', 'key', 'model', 'provider', 'name')
    ON CONFLICT (state_id) DO UPDATE SET account = excluded.account WHERE entities.account IS DISTINCT FROM excluded.account
  ), listed AS (
    INSERT INTO instances (state_id, id, account, created_at, live, state, code, provider, region, gpu_type, serving_name, model,
      search, updated_at)
    SELECT state_id, id, account, "createdAt", (state <> 'Deleted')::int, state, failure #>> '{failure,code}',
      intent #>> '{offer,provider}', intent #>> '{offer,region}', intent #>> '{offer,gpuType}', "servingName", spec ->> 'model',
      lower(("servingName" || chr(10) || (spec ->> 'model') || chr(10) || id) COLLATE "C"), "updatedAt"
    FROM w WHERE kind = 'instance' ORDER BY state_id
    ON CONFLICT (state_id) DO UPDATE SET live = excluded.live, state = excluded.state, code = excluded.code,
      provider = excluded.provider, region = excluded.region, gpu_type = excluded.gpu_type,
      serving_name = excluded.serving_name, model = excluded.model, search = excluded.search, updated_at = excluded.updated_at
  ), entries AS (
    INSERT INTO ledger (account, sequence, key, kind, amount, balance_after, at, request_id, reference, instance, run, segment,
      seconds, price_per_hour)
    SELECT w.id, e.sequence, e.key, e.kind, e.amount, e."balanceAfter", e.at, e."requestId", e.reference, e.instance, e.run,
      e.segment, e.seconds, e."pricePerHour"
    FROM w, jsonb_to_recordset(w."newEntries") AS e (
      sequence bigint, key text, kind text, amount bigint, "balanceAfter" bigint, at timestamptz, "requestId" text,
      reference text, instance text, run integer, segment integer, seconds bigint, "pricePerHour" bigint)
    WHERE w.kind = 'account'
  ), opened AS (
    INSERT INTO tabs (account, instance, tab)
    SELECT w.id, t ->> 'instance', t FROM w, jsonb_array_elements(w."changedTabs") AS t WHERE w.kind = 'account'
    ON CONFLICT (account, instance) DO UPDATE SET tab = excluded.tab
  )
  DELETE FROM tabs USING w, jsonb_array_elements_text(w."removedTabs") AS r
  WHERE w.kind = 'account' AND tabs.account = w.id AND tabs.instance = r;
  RETURN NULL;
END $$;

-- Clearing or deleting a state removes its list rows; timeline and ledger stay.
CREATE FUNCTION state_cleared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM agenda WHERE state_id = OLD.state_id;
  DELETE FROM instances WHERE state_id = OLD.state_id;
  DELETE FROM entities WHERE state_id = OLD.state_id;
  RETURN NULL;
END $$;

CREATE TRIGGER states_inserted AFTER INSERT ON states REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION states_written();
CREATE TRIGGER states_updated AFTER UPDATE ON states REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION states_written();
CREATE TRIGGER states_cleared AFTER UPDATE OF payload ON states
FOR EACH ROW WHEN (NEW.payload IS NULL) EXECUTE FUNCTION state_cleared();
CREATE TRIGGER states_deleted AFTER DELETE ON states FOR EACH ROW EXECUTE FUNCTION state_cleared();

-- Timeline and ledger are append-only, also for manual SQL.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER events_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER ledger_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- ---------- writing many states at once ----------
-- Without an expected version, it must be the first write. With one, the row must exist and have that version. The
-- result omits states with a version conflict; the others are written.
CREATE FUNCTION write_states(kinds text[], ids text[], n0s bigint[], n1s bigint[], expected integer[], payloads text[])
RETURNS TABLE (ordinal bigint, new_version integer) LANGUAGE plpgsql AS $$
BEGIN
  IF array_position(expected, NULL) IS NOT NULL THEN
    RETURN QUERY
    WITH inserted AS (
      INSERT INTO states AS s (kind, id, n0, n1, version, payload)
      SELECT a.kind, a.id, a.n0, a.n1, 1, a.payload
      FROM unnest(kinds, ids, n0s, n1s, expected, payloads) AS a (kind, id, n0, n1, version, payload)
      WHERE a.version IS NULL
      ON CONFLICT (kind, id, n0, n1) DO NOTHING
      RETURNING s.kind, s.id, s.n0, s.n1
    )
    SELECT a.ordinal, 1
    FROM unnest(kinds, ids, n0s, n1s) WITH ORDINALITY AS a (kind, id, n0, n1, ordinal)
    JOIN inserted AS i ON i.kind = a.kind AND i.id = a.id AND i.n0 = a.n0 AND i.n1 = a.n1;
  END IF;
  RETURN QUERY
  UPDATE states AS s SET payload = a.payload, version = s.version + 1
  FROM unnest(kinds, ids, n0s, n1s, expected, payloads)
    WITH ORDINALITY AS a (kind, id, n0, n1, version, payload, ordinal)
  WHERE s.kind = a.kind AND s.id = a.id AND s.n0 = a.n0 AND s.n1 = a.n1 AND s.version = a.version
  RETURNING a.ordinal, s.version;
END $$;

-- ---------- queries of Orleans' grain storage ----------
-- Orleans defines the keys and parameter names. The column names are not quoted, because Orleans reads columns
-- case-insensitively.
CREATE TABLE OrleansQuery (
  QueryKey text PRIMARY KEY,
  QueryText text NOT NULL
);

INSERT INTO OrleansQuery VALUES ('ReadFromStorageKey', '
SELECT convert_to(payload, ''UTF8'') AS PayloadBinary, version AS Version FROM states
WHERE kind = @GrainTypeString AND id = COALESCE(@GrainIdExtensionString, '''') AND n0 = @GrainIdN0 AND n1 = @GrainIdN1');

INSERT INTO OrleansQuery VALUES ('WriteToStorageKey', '
SELECT new_version AS NewGrainStateVersion FROM write_states(ARRAY[@GrainTypeString], ARRAY[COALESCE(@GrainIdExtensionString, '''')],
  ARRAY[@GrainIdN0], ARRAY[@GrainIdN1], ARRAY[@GrainStateVersion]::integer[], ARRAY[convert_from(@PayloadBinary, ''UTF8'')])');

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
