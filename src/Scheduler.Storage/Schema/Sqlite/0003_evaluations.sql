-- Firewall evaluations. The write of an `evaluations` state adds rows (`newEvaluations`) and deletes old ones: those up
-- to a sequence number (`forgetUpTo`) and those before a time (`forgetBefore`). evaluation: JSON.
CREATE TABLE evaluations (
  account TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  firewall TEXT NOT NULL,
  at TEXT NOT NULL,
  evaluation TEXT NOT NULL,
  PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX evaluations_by_firewall ON evaluations (account, firewall, sequence);
CREATE INDEX evaluations_by_time ON evaluations (account, at);

CREATE TRIGGER written_evaluations INSTEAD OF INSERT ON written WHEN NEW.kind = 'evaluations' BEGIN
  INSERT INTO evaluations (account, sequence, firewall, at, evaluation)
  SELECT NEW.payload ->> 'account', e.value ->> 'sequence', e.value ->> 'firewall', e.value ->> 'at', e.value
  FROM json_each(NEW.payload, '$.newEvaluations') AS e;

  DELETE FROM evaluations WHERE account = NEW.payload ->> 'account' AND sequence <= NEW.payload ->> 'forgetUpTo';
  DELETE FROM evaluations WHERE account = NEW.payload ->> 'account' AND at < NEW.payload ->> 'forgetBefore';
END;
