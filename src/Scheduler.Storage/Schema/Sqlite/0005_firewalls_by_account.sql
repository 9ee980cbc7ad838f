-- Rules and firewalls of an account become one state, `firewalls`. Until now each was a state of its own (`rule`,
-- `firewall`), and a rule listed the firewalls that use it (`usedBy`) and those that had yet to take over its latest
-- change (`untold`). Versions are kept, also those of deleted rules and firewalls (`retired`). A change that had yet to
-- be taken over is taken over here, as a new version.
INSERT INTO states (kind, id, n0, n1, version, payload)
WITH rules AS MATERIALIZED (
  SELECT payload ->> 'account' AS account, substr(id, instr(id, '/') + 1) AS slug, payload ->> 'rule' IS NOT NULL AS is_live, payload
  FROM states WHERE kind = 'rule' AND payload IS NOT NULL
), walls AS MATERIALIZED (
  SELECT payload ->> 'account' AS account, substr(id, instr(id, '/') + 1) AS slug, payload ->> 'draft' IS NOT NULL AS is_live, payload
  FROM states WHERE kind = 'firewall' AND payload IS NOT NULL
-- The rules that firewalls hold: copies of the account's own rules, which are stored once from now on, or of shipped
-- ones.
), held AS MATERIALIZED (
  SELECT w.account, w.slug AS firewall, e.key AS place, e.value AS copy, r.slug IS NOT NULL AS is_own,
    EXISTS (SELECT 1 FROM json_each(r.payload, '$.untold') AS u WHERE u.value = w.slug) AS is_behind
  FROM walls AS w JOIN json_each(w.payload, '$.rules') AS e
  LEFT JOIN rules AS r ON r.account = w.account AND r.slug = e.value ->> 'slug' AND r.is_live
    AND EXISTS (SELECT 1 FROM json_each(r.payload, '$.usedBy') AS u WHERE u.value = w.slug)
  WHERE w.is_live
), accounts AS (
  SELECT account FROM rules UNION SELECT account FROM walls
)
SELECT 'firewalls', 'firewalls-' || a.account, 0, 0, 1, json_object(
  'schemaVersion', 1,
  'account', a.account,
  'rules', (
    SELECT json_group_array(json(item)) FROM (
      SELECT json_object('rule', r.payload -> 'rule', 'version', r.payload -> 'version', 'createdAt', r.payload -> 'createdAt',
        'updatedAt', r.payload -> 'updatedAt') AS item
      FROM rules AS r WHERE r.account = a.account AND r.is_live ORDER BY r.slug)),
  'firewalls', (
    SELECT json_group_array(json(item)) FROM (
      SELECT json_object('slug', w.slug, 'draft', w.payload -> 'draft',
        'shipped', (
          SELECT json_group_array(json(copy)) FROM (
            SELECT h.copy FROM held AS h
            WHERE h.account = w.account AND h.firewall = w.slug AND NOT h.is_own ORDER BY h.place)),
        'version', (w.payload ->> 'version') + EXISTS (
          SELECT 1 FROM held AS h WHERE h.account = w.account AND h.firewall = w.slug AND h.is_behind),
        'createdAt', w.payload -> 'createdAt', 'updatedAt', w.payload -> 'updatedAt') AS item
      FROM walls AS w WHERE w.account = a.account AND w.is_live ORDER BY w.slug)),
  'retired', (
    SELECT json_group_array(json_object('name', name, 'version', version)) FROM (
      SELECT 'rules/' || slug AS name, payload ->> 'version' AS version FROM rules
      WHERE account = a.account AND NOT is_live
      UNION ALL
      SELECT 'firewalls/' || slug, payload ->> 'version' FROM walls WHERE account = a.account AND NOT is_live)),
  'forgottenVersion', 0,
  'events', json('[]'),
  'lastSequence', 0)
FROM accounts AS a;

-- Their timelines stay.
DELETE FROM states WHERE kind IN ('rule', 'firewall');
