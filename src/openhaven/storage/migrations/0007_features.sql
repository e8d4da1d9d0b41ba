-- Trying a pack over the past: what signals and counters answered then, and the tries themselves.

-- What cannot be worked out again later, sealed for the event's subject. Only events that have any
-- are here; one that is not here, and was judged since `since`, had none.
CREATE TABLE event_features (
  event bigint PRIMARY KEY,
  subject text NOT NULL,
  kept_at timestamptz NOT NULL,
  data bytea NOT NULL
);
CREATE INDEX event_features_age ON event_features (kept_at);

-- Since when features are complete: from this version on, later as they are forgotten.
CREATE TABLE features_since (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  since timestamptz NOT NULL
);
INSERT INTO features_since (since) VALUES (now());

CREATE TABLE backtests (
  id text PRIMARY KEY,
  -- where the pack came from, in words for people
  label text NOT NULL CHECK (length(label) BETWEEN 1 AND 200),
  pack text NOT NULL,
  files jsonb,
  -- another pack that stands for what happened; NULL compares with what happened
  against text,
  against_files jsonb,
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  platform text REFERENCES platforms,
  -- why somebody looked over people's data
  purpose text NOT NULL CHECK (length(purpose) BETWEEN 1 AND 500),
  started_by text NOT NULL,
  created_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  -- which process works on it, and when it was last heard of
  runner text,
  heard_at timestamptz,
  done bigint NOT NULL DEFAULT 0,
  total bigint NOT NULL DEFAULT 0,
  cancel_asked boolean NOT NULL DEFAULT false,
  ended_at timestamptz,
  error text,
  figures jsonb,
  -- numbers of events, with the rules that spoke; forgotten before the figures
  examples jsonb,
  CHECK (since < until),
  CHECK ((state IN ('done', 'cancelled', 'failed')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'running') = (runner IS NOT NULL)),
  CHECK ((state = 'failed') = (error IS NOT NULL)),
  CHECK ((state = 'done') = (figures IS NOT NULL))
);
CREATE INDEX backtests_open ON backtests (created_at) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX backtests_running ON backtests ((true)) WHERE state = 'running';

-- How long people need for a task: from the last time that it was taken to the judgement.
CREATE INDEX ledger_entries_claims ON ledger_entries ((ids ->> 'task')) WHERE kind = 'task.claimed';
