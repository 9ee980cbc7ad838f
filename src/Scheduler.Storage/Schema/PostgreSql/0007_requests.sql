-- Answered requests. account: '' for none. is_refused: 1 for every code but OK.
CREATE TABLE requests (
  request_id text COLLATE "C" PRIMARY KEY,
  correlation_id text COLLATE "C",
  account text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  is_refused bigint NOT NULL,
  request jsonb NOT NULL
);
CREATE INDEX requests_by_correlation ON requests (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_by_account ON requests (account, at);
