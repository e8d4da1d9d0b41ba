-- Rules and banks: messages to the owners of rules.

-- A message to the owner of a rule that fell back. Without an address it is "skipped": the console
-- says the same. `address` is that of the pack's owner, as pack.toml has it; '' is the staff's.
CREATE TABLE rule_messages (
  fallback text PRIMARY KEY REFERENCES rule_fallbacks ON DELETE CASCADE,
  address text NOT NULL CHECK (length(address) <= 320),
  state text NOT NULL CHECK (state IN ('intended', 'sent', 'failed', 'skipped')),
  created_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz,
  last_error text,
  ended_at timestamptz
);
CREATE INDEX rule_messages_waiting ON rule_messages (next_at) WHERE state = 'intended';

-- What a platform said of an account or an item in labels that stand for a time: sealed, one row
-- for all labels of one thing. `until` is when the last of them ends.
CREATE TABLE told_labels (
  platform text NOT NULL,
  account text NOT NULL,
  -- '' for what is said of the account itself
  item text NOT NULL DEFAULT '',
  subject text NOT NULL,
  until timestamptz NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (platform, account, item)
);
CREATE INDEX told_labels_until ON told_labels (until);

-- How far a back-test is, so that one whose process died goes on from there. `data` has the figures
-- so far, numbers of events and hashes of what tasks would be about; it goes when the test ends.
CREATE TABLE backtest_progress (
  backtest text PRIMARY KEY REFERENCES backtests ON DELETE CASCADE,
  after bigint NOT NULL,
  data bytea NOT NULL
);
-- When the process that works on it began, and how much was done then: what is left is told by that.
ALTER TABLE backtests ADD COLUMN begun_at timestamptz;
ALTER TABLE backtests ADD COLUMN begun_done bigint NOT NULL DEFAULT 0;
-- What a cancelled one had found so far is kept, too.
ALTER TABLE backtests DROP CONSTRAINT backtests_check4;
ALTER TABLE backtests ADD CONSTRAINT backtests_figures
  CHECK (CASE state WHEN 'done' THEN figures IS NOT NULL WHEN 'cancelled' THEN true
              ELSE figures IS NULL END);

-- Our own entries of a bank on their way to a service: what was asked for (a second person agrees in
-- `approvals`), and each entry with what the service calls it.
CREATE TABLE bank_sendings (
  id text PRIMARY KEY,
  bank text NOT NULL REFERENCES banks,
  source text NOT NULL REFERENCES bank_sources,
  -- entries that came later are not part of it
  last_entry bigint NOT NULL,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'agreed', 'refused')),
  -- why what was sent is taken back, in words
  taken_back text
);
CREATE INDEX bank_sendings_asked ON bank_sendings (id) WHERE state = 'asked';
CREATE TABLE bank_sent (
  id text PRIMARY KEY,
  sending text NOT NULL REFERENCES bank_sendings,
  source text NOT NULL REFERENCES bank_sources,
  entry bigint NOT NULL REFERENCES bank_entries,
  state text NOT NULL CHECK (state IN ('intended', 'sent', 'failed', 'retracting', 'retracted')),
  remote text NOT NULL DEFAULT '',
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  last_error text,
  UNIQUE (source, entry)
);
CREATE INDEX bank_sent_waiting ON bank_sent (next_at) WHERE state IN ('intended', 'retracting');
CREATE INDEX bank_sent_there ON bank_sent (entry) WHERE state = 'sent';

-- Films that were seen, for looking back.
CREATE INDEX media_films ON media (id) WHERE film <> '';
