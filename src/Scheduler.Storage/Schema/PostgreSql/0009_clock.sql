-- One row: the scheduler's time, and the database's clock when it was stored.
CREATE TABLE clock (
    id integer PRIMARY KEY CHECK (id = 1),
    scheduler_time timestamptz NOT NULL,
    wall timestamptz NOT NULL
) WITH (fillfactor = 70);
