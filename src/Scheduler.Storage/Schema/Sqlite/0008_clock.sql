-- One row: the scheduler's time, and the wall clock when it was stored.
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), scheduler_time TEXT NOT NULL, wall TEXT NOT NULL) STRICT;
