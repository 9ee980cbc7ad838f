-- Answered requests. account: '' for none. is_refused: 1 for every code but OK. request: JSON.
CREATE TABLE requests (
  request_id TEXT PRIMARY KEY,
  correlation_id TEXT,
  account TEXT NOT NULL,
  at TEXT NOT NULL,
  is_refused INTEGER NOT NULL,
  request TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_correlation ON requests (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_by_account ON requests (account, at);
