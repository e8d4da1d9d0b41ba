-- Banks: what a match may lead to, when entries end, who confirmed what is harmless, where entries
-- come from, what rested on them, and what people said of matches.

ALTER TABLE banks DROP CONSTRAINT banks_kind_check;
ALTER TABLE banks ADD CONSTRAINT banks_kind_check
  CHECK (kind IN ('sha256', 'sha1', 'md5', 'pdq', 'link'));
ALTER TABLE banks
  -- the clause of the policy that the bank serves, by its anchor; '' when rules decide alone
  ADD COLUMN clause text NOT NULL DEFAULT '',
  -- what a match leads to at most, whatever a rule says
  ADD COLUMN at_most text NOT NULL DEFAULT 'act' CHECK (at_most IN ('act', 'review')),
  -- when the whole bank is switched off
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN negative boolean GENERATED ALWAYS AS (opinion = 'negative') STORED;
ALTER TABLE banks ADD CONSTRAINT banks_negative UNIQUE (id, negative);

-- Where entries come from by themselves: a file, a hash-sharing service, another Openhaven.
CREATE TABLE bank_sources (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  -- the name of its plugin
  kind text NOT NULL,
  url text NOT NULL,
  -- further settings of the plugin; no secrets
  config jsonb NOT NULL DEFAULT '{}',
  -- user, password or tokens, sealed for the source
  credentials bytea,
  -- what the banks that it fills are like
  harm text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('live', 'shadow', 'off')),
  at_most text NOT NULL CHECK (at_most IN ('act', 'review')),
  radius int NOT NULL CHECK (radius BETWEEN 0 AND 47),
  clause text NOT NULL DEFAULT '',
  owner text NOT NULL,
  purpose text NOT NULL,
  interval_s int NOT NULL CHECK (interval_s BETWEEN 60 AND 2592000),
  sends_feedback boolean NOT NULL DEFAULT false,
  -- how far it was read, in the plugin's own words; stored with the page that it follows
  checkpoint text NOT NULL DEFAULT '',
  -- when the listing began that is being read from its start
  listing_since timestamptz,
  next_at timestamptz NOT NULL,
  lease_until timestamptz,
  paused_at timestamptz,
  -- the last page, and the last time that there was nothing more
  read_at timestamptz,
  current_at timestamptz,
  pages bigint NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,
  failing_since timestamptz,
  last_error text,
  -- how many changes could not be used, and the last reason
  refused bigint NOT NULL DEFAULT 0,
  last_refused text,
  created_at timestamptz NOT NULL,
  removed_at timestamptz,
  CHECK ((failures = 0) = (last_error IS NULL)),
  CHECK ((failures = 0) = (failing_since IS NULL))
);

ALTER TABLE bank_entries
  -- the source that brought it first; NULL for people here
  ADD COLUMN source text REFERENCES bank_sources,
  -- what it is called where it comes from
  ADD COLUMN source_id text,
  ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN withdrawn_by text,
  ADD COLUMN withdrawn_reason text,
  -- as its bank's: known to be harmless, which takes two people
  ADD COLUMN negative boolean NOT NULL DEFAULT false,
  ADD COLUMN confirmed_by text,
  ADD COLUMN confirmed_at timestamptz;
UPDATE bank_entries SET withdrawn_by = 'system:unknown', withdrawn_reason = ''
  WHERE withdrawn_at IS NOT NULL;
UPDATE bank_entries e SET negative = true, withdrawn_by = 'system:upgrade',
    withdrawn_at = coalesce(withdrawn_at, now()),
    withdrawn_reason = 'it was put in by one person alone'
  FROM banks b WHERE b.id = e.bank AND b.negative;
ALTER TABLE bank_entries
  ADD COLUMN living boolean GENERATED ALWAYS AS
    (withdrawn_at IS NULL AND (NOT negative OR confirmed_at IS NOT NULL)) STORED,
  ADD CONSTRAINT bank_entries_negative FOREIGN KEY (bank, negative) REFERENCES banks (id, negative),
  ADD CONSTRAINT bank_entries_withdrawn CHECK (
    (withdrawn_at IS NULL) = (withdrawn_by IS NULL)
    AND (withdrawn_at IS NULL) = (withdrawn_reason IS NULL)),
  ADD CONSTRAINT bank_entries_confirmed CHECK (
    (confirmed_by IS NULL) = (confirmed_at IS NULL)
    AND (confirmed_by IS NULL OR negative)),
  -- Two people, who are named and are not the same.
  ADD CONSTRAINT bank_entries_two_people CHECK (
    confirmed_by IS NULL
    OR (confirmed_by LIKE 'staff:%' AND added_by LIKE 'staff:%' AND confirmed_by <> added_by));
CREATE INDEX bank_entries_expiring ON bank_entries (expires_at)
  WHERE expires_at IS NOT NULL AND withdrawn_at IS NULL;
CREATE INDEX bank_entries_proposed ON bank_entries (bank, id)
  WHERE negative AND confirmed_at IS NULL AND withdrawn_at IS NULL;

-- Every record of a source that speaks of an entry; an entry of a source lives as long as one does.
CREATE TABLE bank_claims (
  source text NOT NULL REFERENCES bank_sources,
  source_id text NOT NULL,
  entry bigint NOT NULL REFERENCES bank_entries,
  -- when the source last changed it, where it says so
  source_at timestamptz,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (source, source_id, entry)
);
CREATE INDEX bank_claims_entry ON bank_claims (entry);

CREATE INDEX bank_changes_bank ON bank_changes (bank, writer, seq);

-- Which key of a platform may read a bank: another Openhaven that we share it with.
CREATE TABLE bank_shares (
  bank text NOT NULL REFERENCES banks,
  key text NOT NULL REFERENCES api_keys,
  at timestamptz NOT NULL,
  by text NOT NULL,
  PRIMARY KEY (bank, key)
);

-- What matched, and what followed: the way back from an entry to the decisions that rest on it.
CREATE TABLE bank_matches (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  bank text NOT NULL REFERENCES banks,
  entry bigint NOT NULL,
  event bigint NOT NULL,
  subject text NOT NULL,
  opinion text NOT NULL CHECK (opinion IN ('positive', 'investigate', 'noted')),
  -- why it was only noted: the bank is in trial, or the entry of a negative bank that clears it
  noted text NOT NULL DEFAULT '' CHECK (noted IN ('', 'shadow', 'cleared')),
  cleared_by bigint,
  distance int NOT NULL,
  task text,
  decision text,
  CHECK ((opinion = 'noted') = (noted <> '')),
  UNIQUE (event, entry, subject)
);
CREATE INDEX bank_matches_entry ON bank_matches (entry);
CREATE INDEX bank_matches_bank ON bank_matches (bank, at);
CREATE INDEX bank_matches_idle ON bank_matches (at) WHERE task IS NULL AND decision IS NULL;

-- Entries that were withdrawn, until what rested on them has been looked for.
CREATE TABLE bank_recalls (
  entry bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (entry)
);
CREATE INDEX bank_recalls_at ON bank_recalls (at);

-- A decision that rested on a withdrawn entry was put before a person again.
CREATE TABLE bank_reopened (
  entry bigint NOT NULL,
  decision text NOT NULL REFERENCES decisions,
  task text NOT NULL REFERENCES tasks,
  at timestamptz NOT NULL,
  PRIMARY KEY (entry, decision)
);

-- A task may ask whether an earlier decision still stands.
ALTER TABLE tasks ADD COLUMN reopens text REFERENCES decisions;
CREATE INDEX tasks_reopens ON tasks (reopens) WHERE reopens IS NOT NULL;

-- What people, or a peer, said of a match or an entry.
CREATE TABLE bank_feedback (
  id text PRIMARY KEY,
  bank text NOT NULL REFERENCES banks,
  entry bigint NOT NULL REFERENCES bank_entries,
  match bigint,
  word text NOT NULL CHECK (word IN ('confirm', 'false_match')),
  by text NOT NULL,
  at timestamptz NOT NULL
);
CREATE UNIQUE INDEX bank_feedback_once ON bank_feedback (entry, coalesce(match, 0), by);
CREATE INDEX bank_feedback_bank ON bank_feedback (bank, word);

-- The same word on its way back to where the entry came from.
CREATE TABLE bank_outbox (
  id text PRIMARY KEY,
  feedback text NOT NULL REFERENCES bank_feedback,
  source text NOT NULL REFERENCES bank_sources,
  source_id text NOT NULL,
  word text NOT NULL CHECK (word IN ('confirm', 'false_match')),
  state text NOT NULL DEFAULT 'intended' CHECK (state IN ('intended', 'sent', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  last_error text,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  UNIQUE (feedback, source, source_id)
);
CREATE INDEX bank_outbox_waiting ON bank_outbox (source, next_at) WHERE state = 'intended';

-- The person concerned hears of a decision that was taken back without an appeal.
ALTER TABLE notices DROP CONSTRAINT notices_kind_check;
ALTER TABLE notices ADD CONSTRAINT notices_kind_check CHECK
  (kind IN ('decision', 'appeal_upheld', 'appeal_rejected', 'outcome', 'taken_back'));
