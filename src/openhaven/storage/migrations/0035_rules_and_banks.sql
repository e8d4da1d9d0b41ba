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
