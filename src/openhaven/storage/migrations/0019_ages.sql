-- Appeals against an age, and an operator's own data of the protections.

-- `body` and `reasons` are sealed for the subject. With the account goes the appeal.
CREATE TABLE age_appeals (
  id text PRIMARY KEY,
  platform text NOT NULL,
  subject text NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  band text NOT NULL CHECK (band IN ('under-13', '13-15', '16-17', '18-plus')),
  body bytea,
  created_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'declined')),
  decided_band text CHECK (decided_band IN ('under-13', '13-15', '16-17', '18-plus')),
  decided_by text,
  decided_at timestamptz,
  reasons bytea,
  CHECK ((state = 'open') = (decided_at IS NULL)),
  CHECK ((state = 'granted') = (decided_band IS NOT NULL))
);
CREATE UNIQUE INDEX age_appeals_open ON age_appeals (subject) WHERE state = 'open';
CREATE INDEX age_appeals_subject ON age_appeals (subject, decided_at);
CREATE INDEX age_appeals_due ON age_appeals (due_at) WHERE state = 'open';

-- Which data held from when on, so that each set that opens something is recorded once.
CREATE TABLE protection_data (
  fingerprint text PRIMARY KEY,
  version text NOT NULL,
  at timestamptz NOT NULL
);
-- What a change of the operator's own data rests on; for others null.
ALTER TABLE protection_changes ADD COLUMN law text;
