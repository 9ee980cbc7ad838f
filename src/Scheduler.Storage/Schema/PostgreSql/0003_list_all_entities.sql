-- Lists every kind except instances, which have their own table, in `entities`. A new kind needs no SQL.
CREATE OR REPLACE FUNCTION states_written() RETURNS trigger LANGUAGE plpgsql AS $$
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
    SELECT state_id, kind, id, owner FROM w WHERE kind <> 'instance'
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
