-- Looking back: what was added to a bank is compared with the hashes of what was seen before. Only
-- for two kinds of harm, only for some days, and every time on record.

CREATE TABLE look_backs (
  id text PRIMARY KEY,
  bank text NOT NULL REFERENCES banks,
  -- whether it began by itself after additions, or a person asked for it (then for all entries)
  why text NOT NULL CHECK (why IN ('additions', 'asked')),
  days int NOT NULL CHECK (days BETWEEN 1 AND 90),
  -- media from then on
  since timestamptz NOT NULL,
  -- entries that came with transactions from the first on and before the second; all without it
  from_writer xid8,
  until_writer xid8 NOT NULL,
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'running', 'done', 'halted', 'cancelled')),
  -- how much there is to do: entries, and media for each share of them
  entries bigint NOT NULL DEFAULT 0,
  media bigint NOT NULL DEFAULT 0,
  shares int NOT NULL DEFAULT 1,
  -- how far it is: the share under way (it begins after this entry), the last piece of media in it
  share int NOT NULL DEFAULT 0,
  after_entry bigint NOT NULL DEFAULT 0,
  after_media text NOT NULL DEFAULT '',
  looked bigint NOT NULL DEFAULT 0,
  -- what came of it
  matches int NOT NULL DEFAULT 0,
  tasks int NOT NULL DEFAULT 0,
  gone int NOT NULL DEFAULT 0,
  asked_by text NOT NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  lease_until timestamptz,
  failures int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  last_error text,
  CHECK ((state IN ('done', 'halted', 'cancelled')) = (ended_at IS NOT NULL))
);
-- One at a time for a bank.
CREATE UNIQUE INDEX look_backs_open ON look_backs (bank) WHERE state IN ('waiting', 'running');
CREATE INDEX look_backs_bank ON look_backs (bank, created_at);

-- Which matches were found by looking back; a pair of an event and an entry is there only once.
ALTER TABLE bank_matches ADD COLUMN look_back text REFERENCES look_backs;

-- What a person said of a match is asked for by match and by entry.
CREATE INDEX bank_feedback_match ON bank_feedback (match) WHERE match IS NOT NULL;
