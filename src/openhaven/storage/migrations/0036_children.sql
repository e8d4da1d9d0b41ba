-- Children first: which removals a hash in a bank rests on, so that it stays while one of them stands.
CREATE TABLE survivor_copies (
  report text NOT NULL REFERENCES reports,
  entry bigint NOT NULL REFERENCES bank_entries,
  PRIMARY KEY (report, entry)
);
CREATE INDEX survivor_copies_entry ON survivor_copies (entry);
INSERT INTO survivor_copies (report, entry)
  SELECT r.id, e.id FROM bank_entries e JOIN banks b ON b.id = e.bank
  JOIN reports r ON r.id = e.source_id WHERE b.owner = 'survivors' AND e.withdrawn_at IS NULL;

-- A watch that ended long ago no longer knows its hash, which is forgotten.
ALTER TABLE survivor_requests DROP CONSTRAINT survivor_requests_check1;
ALTER TABLE survivor_requests ADD CONSTRAINT survivor_requests_entry_check
  CHECK (CASE WHEN kind = 'watch' THEN entry IS NOT NULL OR state <> 'open' ELSE entry IS NULL END);

-- Of which signs of behaviour a task told, so that what a person has answered asks nobody again.
CREATE TABLE conduct_asked (
  task text NOT NULL REFERENCES tasks,
  sign text NOT NULL,
  -- a digest of the other one, for a sign that is about a pair
  other text NOT NULL,
  confidence double precision NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (task, sign, other)
);
CREATE INDEX conduct_asked_at ON conduct_asked (at);

-- The platform itself says whose cry for help it is.
ALTER TABLE survivor_requests ADD COLUMN vouched boolean NOT NULL DEFAULT false;
