-- One row, which readiness checks write: a store that cannot take it is not ready.
CREATE TABLE probes (id integer PRIMARY KEY CHECK (id = 1), at timestamptz NOT NULL) WITH (fillfactor = 70);
