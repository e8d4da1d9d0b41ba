-- The ground: everything the line needs, within PostgreSQL 15.

-- storage -------------------------------------------------------------------------------------

CREATE TABLE subject_keys (
  subject text PRIMARY KEY,
  wrapped bytea NOT NULL,
  destroyed_at timestamptz
);

-- ledger --------------------------------------------------------------------------------------

CREATE TABLE ledger_entries (
  id text PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  ids jsonb NOT NULL,
  actor text NOT NULL,
  row_table text,
  row_id text,
  salt bytea,
  commitment bytea,
  leaf bytea NOT NULL,
  idx bigint UNIQUE,
  CHECK ((row_table IS NULL) = (row_id IS NULL)),
  CHECK ((row_table IS NULL) = (commitment IS NULL))
);
CREATE INDEX ledger_entries_waiting ON ledger_entries (at, id) WHERE idx IS NULL;
CREATE INDEX ledger_entries_row ON ledger_entries (row_table, row_id) WHERE row_id IS NOT NULL;
CREATE INDEX ledger_entries_decision ON ledger_entries ((ids ->> 'decision'))
  WHERE ids ->> 'decision' IS NOT NULL;

CREATE TABLE ledger_tiles (
  level int NOT NULL,
  idx bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (level, idx)
);

CREATE TABLE ledger_checkpoints (
  size bigint PRIMARY KEY,
  root bytea NOT NULL,
  note text NOT NULL,
  at timestamptz NOT NULL
);

-- staff ---------------------------------------------------------------------------------------

CREATE TABLE staff (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
  roles text[] NOT NULL,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);

CREATE TABLE sign_in_links (
  digest bytea PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);

CREATE TABLE sessions (
  digest bytea PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz
);

-- intake --------------------------------------------------------------------------------------

CREATE TABLE platforms (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  connector text NOT NULL DEFAULT 'webhook',
  webhook_url text,
  webhook_secret bytea,
  -- verb -> whether the platform can undo it
  verbs jsonb NOT NULL,
  -- Why the content of private conversations may be looked at; NULL means it is not.
  private_basis text,
  created_at timestamptz NOT NULL
);

CREATE TABLE api_keys (
  id text PRIMARY KEY,
  platform text NOT NULL REFERENCES platforms,
  name text NOT NULL,
  digest bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE UNIQUE INDEX api_keys_living ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE accounts (
  platform text NOT NULL,
  id text NOT NULL,
  -- our own random id of the person: names the sealing key and may stand in the ledger
  subject text NOT NULL UNIQUE,
  age_band text NOT NULL,
  country text,
  created_at timestamptz,
  seen_at timestamptz NOT NULL,
  contact bytea,
  erased_at timestamptz,
  PRIMARY KEY (platform, id)
);

CREATE TABLE media (
  id text PRIMARY KEY,
  platform text NOT NULL,
  sha256 bytea NOT NULL,
  md5 bytea NOT NULL,
  pdq bytea,
  quality int,
  type text NOT NULL,
  bytes bigint NOT NULL,
  width int,
  height int,
  unknown text,
  -- set by the first event that carries it; media that no event carries is not kept
  event bigint,
  created_at timestamptz NOT NULL,
  deleted_at timestamptz
);
CREATE INDEX media_age ON media (created_at) WHERE deleted_at IS NULL;
CREATE INDEX media_event ON media (event) WHERE event IS NOT NULL;

CREATE TABLE events (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  platform text NOT NULL,
  id text NOT NULL,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  account text NOT NULL,
  subject text NOT NULL,
  item text,
  digest bytea NOT NULL,
  body bytea,
  state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'done', 'stuck')),
  attempts int NOT NULL DEFAULT 0,
  outcome text,
  verdict jsonb,
  done_at timestamptz,
  -- whether a ledger entry has counted it
  tallied boolean NOT NULL DEFAULT false,
  UNIQUE (platform, id),
  CHECK ((state = 'done') = (verdict IS NOT NULL))
);
CREATE INDEX events_waiting ON events (seq) WHERE state = 'received';
CREATE INDEX events_untallied ON events (seq) WHERE state = 'done' AND NOT tallied;
CREATE INDEX events_stuck ON events (seq) WHERE state = 'stuck';
CREATE INDEX events_item ON events (platform, item, seq) WHERE item IS NOT NULL;
CREATE INDEX events_account ON events (platform, account, seq);
CREATE INDEX events_age ON events (received_at);

CREATE TABLE reports (
  id text PRIMARY KEY,
  platform text NOT NULL,
  receipt bytea NOT NULL UNIQUE,
  event bigint NOT NULL REFERENCES events,
  item text,
  account text,
  category text NOT NULL,
  -- the reporter's own words, name and contact, sealed for the report's subject
  subject text NOT NULL,
  body bytea,
  digest bytea NOT NULL,
  anonymous boolean NOT NULL,
  created_at timestamptz NOT NULL,
  case_id text,
  state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'in_review', 'decided', 'closed')),
  decided_at timestamptz,
  CHECK (item IS NOT NULL OR account IS NOT NULL)
);
CREATE INDEX reports_case ON reports (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX reports_event ON reports (event);

-- signals -------------------------------------------------------------------------------------

CREATE TABLE banks (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  kind text NOT NULL CHECK (kind IN ('sha256', 'md5', 'pdq', 'link')),
  harm text NOT NULL,
  opinion text NOT NULL CHECK (opinion IN ('positive', 'negative', 'investigate')),
  radius int NOT NULL DEFAULT 31 CHECK (radius BETWEEN 0 AND 47),
  mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'shadow', 'off')),
  owner text NOT NULL,
  purpose text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE bank_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bank text NOT NULL REFERENCES banks,
  value bytea NOT NULL,
  quality int,
  provenance text NOT NULL,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  withdrawn_at timestamptz,
  UNIQUE (bank, value)
);

CREATE TABLE bank_changes (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bank text NOT NULL,
  entry bigint,
  op text NOT NULL CHECK (op IN ('add', 'withdraw', 'bank')),
  at timestamptz NOT NULL,
  -- sequence numbers commit out of order; whoever follows the log asks by the writer's transaction
  writer xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX bank_changes_writer ON bank_changes (writer);

-- policy --------------------------------------------------------------------------------------

CREATE TABLE packs (
  fingerprint text PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  -- the pack's files as they were, so that every clause can be shown as it stood
  files jsonb NOT NULL,
  loaded_at timestamptz NOT NULL
);

-- review --------------------------------------------------------------------------------------

CREATE TABLE cases (
  id text PRIMARY KEY,
  platform text NOT NULL,
  -- what it is about: an item or an account of the platform
  item text,
  account text,
  harm text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  CHECK (item IS NOT NULL OR account IS NOT NULL)
);
CREATE UNIQUE INDEX cases_open_item ON cases (platform, item) WHERE state = 'open' AND item IS NOT NULL;
CREATE UNIQUE INDEX cases_open_account ON cases (platform, account) WHERE state = 'open' AND item IS NULL;

CREATE TABLE tasks (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  kind text NOT NULL CHECK (kind IN ('review', 'appeal')),
  queue text NOT NULL,
  event bigint,
  appeal text,
  severity int NOT NULL CHECK (severity BETWEEN 1 AND 4),
  reports int NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'claimed', 'done', 'cancelled')),
  -- members of staff who may not take it, since they acted on the case before
  barred text[] NOT NULL DEFAULT '{}',
  claimed_by text REFERENCES staff,
  lease_until timestamptz,
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  done_at timestamptz,
  CHECK ((state = 'claimed') = (claimed_by IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((kind = 'appeal') = (appeal IS NOT NULL)),
  CHECK (NOT claimed_by = ANY (barred))
);
CREATE UNIQUE INDEX tasks_open_review ON tasks (case_id) WHERE kind = 'review' AND state IN ('open', 'claimed');
CREATE UNIQUE INDEX tasks_appeal ON tasks (appeal) WHERE appeal IS NOT NULL;
CREATE INDEX tasks_waiting ON tasks (severity DESC, due_at) WHERE state IN ('open', 'claimed');

CREATE TABLE judgements (
  id text PRIMARY KEY,
  task text NOT NULL UNIQUE REFERENCES tasks,
  staff text NOT NULL REFERENCES staff,
  -- for a review: allow, warn, restrict, remove, suspend; for an appeal: upheld, rejected
  outcome text NOT NULL CHECK (outcome IN ('allow', 'warn', 'restrict', 'remove', 'suspend', 'upheld', 'rejected')),
  clause text NOT NULL,
  pack text NOT NULL REFERENCES packs,
  days int CHECK (days BETWEEN 1 AND 3650),
  facts text NOT NULL CHECK (length(facts) BETWEEN 1 AND 5000),
  at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'given' CHECK (state IN ('given', 'settled'))
);
CREATE INDEX judgements_waiting ON judgements (at) WHERE state = 'given';

-- What a reviewer has asked to see unblurred: later filings may only state what stands here.
CREATE TABLE reveals (
  id text PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  media text NOT NULL,
  task text REFERENCES tasks,
  at timestamptz NOT NULL
);

-- decisions -----------------------------------------------------------------------------------

-- A decision with a field of Article 17(3) DSA missing is refused here, not only in the code.
CREATE TABLE decisions (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  platform text NOT NULL REFERENCES platforms,
  event bigint,
  judgement text UNIQUE REFERENCES judgements,
  account text,
  subject text,
  item text,
  outcome text NOT NULL CHECK (outcome IN ('allow', 'warn', 'restrict', 'remove', 'block', 'suspend')),
  harm text NOT NULL,
  clause text NOT NULL CHECK (length(clause) > 0),
  clause_title text NOT NULL CHECK (length(clause_title) > 0),
  clause_text text NOT NULL CHECK (length(clause_text) > 0),
  pack text NOT NULL REFERENCES packs,
  facts text NOT NULL CHECK (length(facts) BETWEEN 1 AND 5000),
  ground text NOT NULL CHECK (ground IN ('terms', 'law')),
  ground_reference text NOT NULL CHECK (length(ground_reference) > 0),
  -- countries (ISO 3166-1 alpha-2) in which it holds; '{*}' means everywhere
  scope text[] NOT NULL CHECK (cardinality(scope) > 0),
  permanent boolean NOT NULL,
  until timestamptz,
  source text NOT NULL CHECK (source IN ('own_initiative', 'report', 'trusted_flagger', 'order')),
  automated_detection boolean NOT NULL,
  automated_decision text NOT NULL CHECK (automated_decision IN ('fully', 'partially', 'not')),
  redress text NOT NULL CHECK (length(redress) > 0),
  content_type text[] NOT NULL,
  content_at timestamptz NOT NULL,
  language text,
  decided_by text NOT NULL,
  decided_at timestamptz NOT NULL,
  appeal_until timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'in_force' CHECK (state IN ('in_force', 'overturned', 'expired')),
  overturned_by text,
  overturned_at timestamptz,
  CHECK (permanent = (until IS NULL)),
  CHECK (appeal_until >= decided_at + interval '180 days'),
  CHECK (automated_decision = 'not' OR judgement IS NULL),
  CHECK ((state = 'overturned') = (overturned_by IS NOT NULL AND overturned_at IS NOT NULL)),
  -- Nobody loses an account by a rule alone.
  CHECK (outcome <> 'suspend' OR judgement IS NOT NULL)
);
CREATE INDEX decisions_account ON decisions (platform, account, decided_at);
CREATE INDEX decisions_case ON decisions (case_id);
CREATE INDEX decisions_day ON decisions (decided_at);
CREATE UNIQUE INDEX decisions_event ON decisions (event) WHERE judgement IS NULL AND event IS NOT NULL;

CREATE TABLE acts (
  id text PRIMARY KEY,
  decision text NOT NULL REFERENCES decisions,
  platform text NOT NULL REFERENCES platforms,
  verb text NOT NULL,
  -- {"item": …} or {"account": …}, in the platform's own ids
  target jsonb NOT NULL,
  until timestamptz,
  reverses text UNIQUE REFERENCES acts,
  reversible boolean NOT NULL,
  -- an act that must have arrived first, such as the notice before a lock-out
  after text REFERENCES acts,
  state text NOT NULL DEFAULT 'intended' CHECK (state IN ('intended', 'accepted', 'done', 'failed', 'cancelled')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  lease_until timestamptz,
  last_error text,
  intended_at timestamptz NOT NULL,
  accepted_at timestamptz,
  ended_at timestamptz
);
CREATE INDEX acts_waiting ON acts (next_at) WHERE state = 'intended';
CREATE INDEX acts_failed ON acts (ended_at) WHERE state = 'failed';
CREATE INDEX acts_decision ON acts (decision);

CREATE TABLE notices (
  id text PRIMARY KEY,
  decision text NOT NULL REFERENCES decisions,
  -- whom it is for: the person acted against, or a reporter
  audience text NOT NULL CHECK (audience IN ('account', 'reporter')),
  report text REFERENCES reports,
  kind text NOT NULL CHECK (kind IN ('decision', 'appeal_upheld', 'appeal_rejected', 'outcome')),
  subject text NOT NULL,
  body bytea,
  language text NOT NULL,
  created_at timestamptz NOT NULL,
  email_state text NOT NULL DEFAULT 'none' CHECK (email_state IN ('none', 'intended', 'sent', 'failed')),
  email_attempts int NOT NULL DEFAULT 0,
  email_next_at timestamptz,
  email_sent_at timestamptz,
  last_error text,
  seen_at timestamptz
);
CREATE INDEX notices_decision ON notices (decision);
CREATE INDEX notices_waiting ON notices (email_next_at) WHERE email_state = 'intended';

CREATE TABLE appeals (
  id text PRIMARY KEY,
  decision text NOT NULL REFERENCES decisions,
  subject text NOT NULL,
  body bytea,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'rejected')),
  created_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  judgement text UNIQUE REFERENCES judgements,
  decided_at timestamptz,
  CHECK ((state = 'open') = (judgement IS NULL)),
  CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX appeals_open ON appeals (decision) WHERE state = 'open';
CREATE INDEX appeals_decision ON appeals (decision);

-- What was removed is kept, sealed, while it may still be contested.
CREATE TABLE kept_copies (
  decision text NOT NULL REFERENCES decisions,
  media text NOT NULL DEFAULT '',
  event bigint,
  keep_until timestamptz NOT NULL,
  PRIMARY KEY (decision, media)
);

-- connectors ----------------------------------------------------------------------------------

CREATE TABLE matrix_servers (
  platform text PRIMARY KEY REFERENCES platforms,
  url text NOT NULL,
  server_name text NOT NULL,
  -- tokens, sealed for the platform
  tokens bytea NOT NULL,
  -- until when reports made on the homeserver were fetched
  polled_at timestamptz,
  last_error text
);

CREATE TABLE matrix_inbox (
  platform text NOT NULL REFERENCES matrix_servers,
  id text NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  body bytea NOT NULL,
  received_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  last_error text,
  done_at timestamptz,
  -- set aside after several attempts, for a person to look at
  stuck_at timestamptz,
  PRIMARY KEY (platform, id)
);
CREATE INDEX matrix_inbox_waiting ON matrix_inbox (platform, seq)
  WHERE done_at IS NULL AND stuck_at IS NULL;
CREATE INDEX matrix_inbox_done ON matrix_inbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX matrix_inbox_stuck ON matrix_inbox (seq) WHERE stuck_at IS NOT NULL;

CREATE TABLE matrix_rooms (
  platform text NOT NULL REFERENCES matrix_servers,
  id text NOT NULL,
  visibility text NOT NULL CHECK (visibility IN ('public', 'group', 'private')),
  encrypted boolean NOT NULL,
  -- whom we write to here: this is the room of our notices to one person
  person text,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (platform, id)
);

-- transparency --------------------------------------------------------------------------------

-- Events that passed are counted by day, so that they may be forgotten.
CREATE TABLE daily_counts (
  day date NOT NULL,
  platform text NOT NULL,
  measure text NOT NULL,
  key text NOT NULL DEFAULT '',
  n bigint NOT NULL,
  PRIMARY KEY (day, platform, measure, key)
);
