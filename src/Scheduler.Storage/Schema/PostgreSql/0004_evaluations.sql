-- Firewall evaluations. The write of an `evaluations` state adds rows (`newEvaluations`) and deletes old ones: those up
-- to a sequence number (`forgetUpTo`) and those before a time (`forgetBefore`).
CREATE TABLE evaluations (
  account text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  firewall text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  evaluation jsonb NOT NULL,
  PRIMARY KEY (account, sequence)
);
CREATE INDEX evaluations_by_firewall ON evaluations (account, firewall, sequence);
CREATE INDEX evaluations_by_time ON evaluations (account, at);

-- A separate trigger next to the one for all kinds. For writes of other kinds it only checks the kind.
CREATE FUNCTION evaluations_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM written WHERE kind = 'evaluations') THEN
    RETURN NULL;
  END IF;
  WITH w AS MATERIALIZED (
    SELECT p.*
    FROM written AS s, jsonb_to_record(s.payload::jsonb) AS p (
      account text, "newEvaluations" jsonb, "forgetUpTo" bigint, "forgetBefore" timestamptz)
    WHERE s.kind = 'evaluations' AND s.payload IS NOT NULL
  ), fresh AS (
    INSERT INTO evaluations (account, sequence, firewall, at, evaluation)
    SELECT w.account, (e ->> 'sequence')::bigint, e ->> 'firewall', (e ->> 'at')::timestamptz, e
    FROM w, jsonb_array_elements(w."newEvaluations") AS e
  ), counted_out AS (
    DELETE FROM evaluations USING w WHERE evaluations.account = w.account AND evaluations.sequence <= w."forgetUpTo"
  )
  DELETE FROM evaluations USING w
  WHERE evaluations.account = w.account AND evaluations.at < w."forgetBefore" AND evaluations.sequence > w."forgetUpTo";
  RETURN NULL;
END $$;

CREATE TRIGGER evaluations_inserted AFTER INSERT ON states REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION evaluations_written();
CREATE TRIGGER evaluations_updated AFTER UPDATE ON states REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION evaluations_written();
