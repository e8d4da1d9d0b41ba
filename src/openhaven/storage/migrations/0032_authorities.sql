-- Whom the law asks to be told about a case, what was sent there, and what came back.

CREATE TABLE duties (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  -- whose law it is (ISO 3166-1 alpha-2, or EU), and who is to be told
  jurisdiction text NOT NULL CHECK (jurisdiction ~ '^[A-Z]{2}$'),
  authority text NOT NULL CHECK (authority ~ '^[a-z][a-z0-9-]{0,39}$'),
  why text NOT NULL CHECK (length(why) BETWEEN 1 AND 2000),
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  -- the duty whose report counts for this one as well, as its law says
  covered_by text REFERENCES duties,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'reported', 'covered', 'no_report')),
  -- what the authority calls the report
  reference text CHECK (length(reference) BETWEEN 1 AND 200),
  -- why nothing is reported, sealed for the duty
  no_report bytea,
  closed_at timestamptz,
  closed_by text,
  CHECK (covered_by <> id),
  CHECK ((state = 'open') = (closed_at IS NULL)),
  CHECK ((state IN ('reported', 'covered')) = (reference IS NOT NULL)),
  CHECK (state <> 'no_report' OR no_report IS NOT NULL)
);
CREATE UNIQUE INDEX duties_open ON duties (case_id, jurisdiction) WHERE state = 'open';
CREATE INDEX duties_due ON duties (due_at) WHERE state = 'open';
CREATE INDEX duties_case ON duties (case_id);

-- Where reports go: the account with an authority, and the schema that its server gave.
CREATE TABLE authority_accounts (
  authority text PRIMARY KEY,
  -- user and password, sealed for `authority:<name>`
  credentials bytea,
  -- why nothing can be sent at the moment, for staff
  trouble text,
  trouble_at timestamptz,
  changed_at timestamptz NOT NULL
);

CREATE TABLE authority_schemas (
  id text PRIMARY KEY,
  authority text NOT NULL,
  sha256 bytea NOT NULL,
  body text NOT NULL CHECK (length(body) <= 5000000),
  fetched_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  -- who looked at it, so that it may be relied on
  accepted_at timestamptz,
  accepted_by text,
  UNIQUE (authority, sha256)
);

CREATE TABLE filings (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  authority text NOT NULL,
  -- 0 is the report, what follows supplements it; so two that file at once file one report
  number int NOT NULL DEFAULT 0 CHECK (number >= 0),
  state text NOT NULL DEFAULT 'draft'
    CHECK (state IN ('draft', 'filed', 'finished', 'failed', 'withdrawn')),
  -- what is stated and where it is from, sealed for the filing
  body bytea,
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  filed_at timestamptz,
  filed_by text,
  -- the sender's work: who has it, when it is tried next, how it went
  lease text,
  lease_until timestamptz,
  next_at timestamptz,
  tries int NOT NULL DEFAULT 0,
  -- how long the authority has not answered, and why
  failing_since timestamptz,
  trouble text,
  reference text CHECK (length(reference) BETWEEN 1 AND 200),
  finished_at timestamptz,
  -- a stand-in server of the authority for trials: such a report is none
  test boolean NOT NULL DEFAULT false,
  CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
  CHECK (state <> 'finished' OR reference IS NOT NULL),
  CHECK (state NOT IN ('draft', 'finished') OR next_at IS NULL),
  CHECK (state NOT IN ('filed', 'finished', 'failed') OR (filed_at IS NOT NULL AND filed_by IS NOT NULL))
);
CREATE UNIQUE INDEX filings_one ON filings (case_id, authority, number) WHERE state <> 'withdrawn';
CREATE INDEX filings_due ON filings (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX filings_case ON filings (case_id);

-- Each report that was opened, or meant to be, at an authority's server. One at most is finished.
CREATE TABLE filing_attempts (
  id text PRIMARY KEY,
  filing text NOT NULL REFERENCES filings,
  number int NOT NULL CHECK (number >= 1),
  state text NOT NULL DEFAULT 'opening' CHECK (state IN
    ('opening', 'open', 'finishing', 'finished', 'retracting', 'retracted', 'lost', 'gone')),
  report text,
  -- SHA-256 of the report document that was sent
  document bytea,
  opened_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  UNIQUE (filing, number),
  CHECK (state NOT IN ('open', 'finishing', 'finished', 'retracting', 'retracted') OR report IS NOT NULL)
);
CREATE UNIQUE INDEX filing_attempts_living ON filing_attempts (filing)
  WHERE state IN ('opening', 'open', 'finishing', 'retracting', 'finished');
CREATE UNIQUE INDEX filing_attempts_report ON filing_attempts (filing, report) WHERE report IS NOT NULL;

-- Intent before each step, receipt after.
CREATE TABLE filing_steps (
  id text PRIMARY KEY,
  attempt text NOT NULL REFERENCES filing_attempts,
  step text NOT NULL CHECK (step IN ('submit', 'upload', 'fileinfo', 'finish', 'retract')),
  item text,
  intended_at timestamptz NOT NULL,
  sent int NOT NULL DEFAULT 1,
  done_at timestamptz,
  code int,
  file text,
  md5 text,
  -- the server's own number of the call, for its support
  request text,
  -- SHA-256 of the document that was sent, and what it said of the viewing of a file
  document bytea,
  viewed boolean,
  exif_viewed boolean,
  UNIQUE NULLS NOT DISTINCT (attempt, step, item),
  CHECK ((step IN ('upload', 'fileinfo')) = (item IS NOT NULL))
);

-- What an authority confirmed, once; this is what the law calls the notification.
CREATE TABLE filing_receipts (
  id text PRIMARY KEY,
  filing text NOT NULL UNIQUE REFERENCES filings,
  authority text NOT NULL,
  reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
  test boolean NOT NULL,
  -- SHA-256 over what was sent: the report document, and for each file its details and hash
  sent bytea NOT NULL,
  files int NOT NULL,
  finished_at timestamptz NOT NULL
);

-- What staff was called about, so that each call is made once.
CREATE TABLE authority_calls (
  about text NOT NULL,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (about, kind)
);

-- Staff is called about these as well; `request` then names a duty, a filing or an authority.
ALTER TABLE staff_alerts DROP CONSTRAINT staff_alerts_kind_check;
ALTER TABLE staff_alerts DROP CONSTRAINT staff_alerts_request_fkey;
ALTER TABLE staff_alerts ADD CONSTRAINT staff_alerts_kind_check CHECK (kind IN
  ('danger', 'clock', 'overdue', 'duty', 'duty_overdue', 'filing_failed', 'filing_stuck',
   'filing_expiring', 'authority_closed', 'schema_changed'));
