-- Rules and firewalls of an account become one state, `firewalls`. Until now each was a state of its own (`rule`,
-- `firewall`), and a rule listed the firewalls that use it (`usedBy`) and those that had yet to take over its latest
-- change (`untold`). Versions are kept, also those of deleted rules and firewalls (`retired`). A change that had yet to
-- be taken over is taken over here, as a new version.
WITH rules AS MATERIALIZED (
  SELECT p ->> 'account' AS account, substr(id, strpos(id, '/') + 1) AS slug, p ? 'rule' AS is_live, p
  FROM (SELECT id, payload::jsonb AS p FROM states WHERE kind = 'rule' AND payload IS NOT NULL) AS s
), walls AS MATERIALIZED (
  SELECT p ->> 'account' AS account, substr(id, strpos(id, '/') + 1) AS slug, p ? 'draft' AS is_live, p
  FROM (SELECT id, payload::jsonb AS p FROM states WHERE kind = 'firewall' AND payload IS NOT NULL) AS s
-- The rules that firewalls hold: copies of the account's own rules, which are stored once from now on, or of shipped
-- ones.
), held AS MATERIALIZED (
  SELECT w.account, w.slug AS firewall, e.place, e.copy, r.slug IS NOT NULL AS is_own, COALESCE(r.p -> 'untold' ? w.slug, false) AS is_behind
  FROM walls AS w CROSS JOIN jsonb_array_elements(w.p -> 'rules') WITH ORDINALITY AS e (copy, place)
  LEFT JOIN rules AS r ON r.account = w.account AND r.slug = e.copy ->> 'slug' AND r.is_live AND r.p -> 'usedBy' ? w.slug
  WHERE w.is_live
)
INSERT INTO states (kind, id, n0, n1, version, payload)
SELECT 'firewalls', 'firewalls-' || a.account, 0, 0, 1, jsonb_build_object(
  'schemaVersion', 1,
  'account', a.account,
  'rules', COALESCE((
    SELECT jsonb_agg(jsonb_build_object('rule', r.p -> 'rule', 'version', r.p -> 'version', 'createdAt', r.p -> 'createdAt',
      'updatedAt', r.p -> 'updatedAt') ORDER BY r.slug)
    FROM rules AS r WHERE r.account = a.account AND r.is_live), '[]'),
  'firewalls', COALESCE((
    SELECT jsonb_agg(jsonb_build_object('slug', w.slug, 'draft', w.p -> 'draft',
      'shipped', COALESCE((
        SELECT jsonb_agg(h.copy ORDER BY h.place) FROM held AS h
        WHERE h.account = w.account AND h.firewall = w.slug AND NOT h.is_own), '[]'),
      'version', (w.p ->> 'version')::bigint + EXISTS (
        SELECT 1 FROM held AS h WHERE h.account = w.account AND h.firewall = w.slug AND h.is_behind)::int,
      'createdAt', w.p -> 'createdAt', 'updatedAt', w.p -> 'updatedAt') ORDER BY w.slug)
    FROM walls AS w WHERE w.account = a.account AND w.is_live), '[]'),
  'retired', COALESCE((
    SELECT jsonb_agg(jsonb_build_object('name', name, 'version', version))
    FROM (
      SELECT 'rules/' || slug AS name, p -> 'version' AS version FROM rules WHERE account = a.account AND NOT is_live
      UNION ALL
      SELECT 'firewalls/' || slug, p -> 'version' FROM walls WHERE account = a.account AND NOT is_live) AS gone), '[]'),
  'forgottenVersion', 0,
  'events', '[]'::jsonb,
  'lastSequence', 0)::text
FROM (SELECT account FROM rules UNION SELECT account FROM walls) AS a;

-- Silos of the build before continue during an upgrade. They can still read the old states, so requests stay judged. A
-- change through them would be lost, so it is not written: the row is skipped, and the grain reports a version
-- conflict. These rows can go with a later step.
DELETE FROM agenda WHERE kind = 'rule';
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NULL;
END $$;
CREATE TRIGGER rules_and_firewalls_moved BEFORE INSERT OR UPDATE ON states
FOR EACH ROW WHEN (NEW.kind IN ('rule', 'firewall')) EXECUTE FUNCTION skip_row();
