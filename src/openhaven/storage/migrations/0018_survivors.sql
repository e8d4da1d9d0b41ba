-- Survivors: what people ask for whose pictures are shared or who are threatened, the clocks that run
-- for them, whom they do not want to hear from, and who of the staff was called.

-- How far before everything else a task comes (1: a legal clock runs out, 2: somebody is in danger),
-- and when the earliest legal clock ends that runs for it.
ALTER TABLE tasks
  ADD COLUMN urgency int NOT NULL DEFAULT 0 CHECK (urgency BETWEEN 0 AND 2),
  ADD COLUMN clock_at timestamptz;
CREATE INDEX tasks_urgent ON tasks (urgency, clock_at)
  WHERE state IN ('open', 'claimed') AND (urgency > 0 OR clock_at IS NOT NULL);

CREATE TABLE survivor_requests (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('removal', 'watch', 'threat')),
  platform text NOT NULL REFERENCES platforms,
  -- a digest of the code that alone leads to the request
  receipt bytea NOT NULL UNIQUE,
  -- what only the people of this service may read is sealed for this subject
  subject text NOT NULL,
  body bytea,
  -- under 18, or not said
  young boolean NOT NULL,
  -- somebody may be in danger now
  danger boolean NOT NULL DEFAULT false,
  -- the laws of which this request has every part
  regimes text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  -- when what was asked for has to have happened
  due_at timestamptz,
  -- how far the clock has run: 1 half, 2 the last hours, 3 over
  stage int NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 3),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ended', 'withdrawn')),
  ended_at timestamptz,
  -- why it ended, in a word
  why text NOT NULL DEFAULT '',
  -- of a watch: the bank and the entry that it waits for
  bank text REFERENCES banks,
  entry bigint REFERENCES bank_entries,
  expires_at timestamptz,
  -- a digest of the network that it came from, for the limits of a day; then it is forgotten
  origin bytea,
  CHECK ((state = 'open') = (ended_at IS NULL)),
  CHECK ((kind = 'watch') = (entry IS NOT NULL)),
  CHECK ((kind = 'removal') = (due_at IS NOT NULL))
);
CREATE INDEX survivor_requests_open ON survivor_requests (kind, due_at) WHERE state = 'open';
CREATE INDEX survivor_requests_origin ON survivor_requests (kind, origin, created_at)
  WHERE origin IS NOT NULL;
CREATE INDEX survivor_requests_entry ON survivor_requests (entry) WHERE entry IS NOT NULL;
CREATE INDEX survivor_requests_made ON survivor_requests (kind, created_at);

-- What a request is about: one report each, so that everything about one item is one case.
CREATE TABLE survivor_items (
  request text NOT NULL REFERENCES survivor_requests,
  report text NOT NULL UNIQUE REFERENCES reports,
  -- whether its hashes were put into a bank, so that copies are found, or taken out again
  learned text NOT NULL DEFAULT '' CHECK (learned IN ('', 'learned', 'nothing', 'taken_back')),
  PRIMARY KEY (request, report)
);

-- Two accounts between which there is no contact because one of them asked for it.
CREATE TABLE contact_freezes (
  platform text NOT NULL,
  account text NOT NULL,
  other text NOT NULL,
  since timestamptz NOT NULL,
  ended_at timestamptz,
  writer xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (platform, account, other),
  CHECK (account <> other)
);
CREATE INDEX contact_freezes_other ON contact_freezes (platform, other);
CREATE INDEX contact_freezes_writer ON contact_freezes (writer);

-- Who of the staff has to be called, stored before it is sent.
CREATE TABLE staff_alerts (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('danger', 'clock', 'overdue')),
  request text NOT NULL REFERENCES survivor_requests,
  way text NOT NULL CHECK (way IN ('webhook', 'email')),
  -- skipped: no address is set for this way
  state text NOT NULL CHECK (state IN ('intended', 'sent', 'failed', 'skipped')),
  created_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz,
  last_error text,
  ended_at timestamptz,
  UNIQUE (kind, request, way)
);
CREATE INDEX staff_alerts_waiting ON staff_alerts (next_at) WHERE state = 'intended';
