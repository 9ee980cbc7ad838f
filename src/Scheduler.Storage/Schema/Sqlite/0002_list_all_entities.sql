-- Lists every kind except instances, which have their own table, in `entities`. A new kind needs no SQL.
DROP TRIGGER written_entity;

CREATE TRIGGER written_entity INSTEAD OF INSERT ON written WHEN NEW.kind <> 'instance' BEGIN
  INSERT INTO entities (state_id, kind, id, account)
  VALUES (NEW.state_id, NEW.kind, NEW.id,
    CASE NEW.kind WHEN 'account' THEN NEW.id ELSE NEW.payload ->> 'account' END)
  ON CONFLICT (state_id) DO UPDATE SET account = excluded.account WHERE account IS NOT excluded.account;
END;
