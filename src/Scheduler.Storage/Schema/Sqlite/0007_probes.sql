-- One row, which readiness checks write: a store that cannot take it is not ready.
CREATE TABLE probes (id INTEGER PRIMARY KEY CHECK (id = 1), at TEXT NOT NULL) STRICT;
