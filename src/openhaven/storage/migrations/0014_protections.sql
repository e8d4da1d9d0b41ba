-- Protections: how old accounts are believed to be, what they chose, and what changed.

-- What one source said of one band, last. An older band that the same source tells later does not
-- take the place of the younger one: both stand, and the younger wins until it expires.
CREATE TABLE age_evidence (
  subject text NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  source text NOT NULL CHECK (source IN ('declared', 'estimate', 'carer', 'proof', 'reviewer')),
  band text NOT NULL CHECK (band IN ('under-13', '13-15', '16-17', '18-plus')),
  day date NOT NULL,
  expires date,
  writer xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (subject, source, band),
  CHECK (expires > day)
);
CREATE INDEX age_evidence_writer ON age_evidence (writer);
CREATE INDEX age_evidence_expires ON age_evidence (expires) WHERE expires IS NOT NULL;

-- What events have said until now is what accounts declared.
INSERT INTO age_evidence (subject, source, band, day)
SELECT subject, 'declared', age_band, seen_at::date FROM accounts WHERE age_band <> 'unknown';

-- What a child, a carer or an operator set for one account; `explained`: after a plain explanation.
CREATE TABLE protection_settings (
  subject text NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  feature text NOT NULL,
  role text NOT NULL CHECK (role IN ('child', 'carer', 'operator')),
  value text NOT NULL,
  explained boolean NOT NULL,
  at timestamptz NOT NULL,
  writer xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (subject, feature, role)
);
CREATE INDEX protection_settings_writer ON protection_settings (writer);

-- Who cares for whom. A carer may only tighten, and the child sees that there is one.
CREATE TABLE carers (
  child text NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  carer text NOT NULL REFERENCES accounts (subject) ON DELETE CASCADE,
  since timestamptz NOT NULL,
  PRIMARY KEY (child, carer),
  CHECK (child <> carer)
);
CREATE INDEX carers_carer ON carers (carer);

-- Every change of what holds for an account, for the ledger and the public figures. It names nobody.
CREATE TABLE protection_changes (
  id text PRIMARY KEY,
  platform text NOT NULL,
  feature text NOT NULL,
  role text NOT NULL,
  before text NOT NULL,
  after text NOT NULL,
  weaker boolean NOT NULL,
  at timestamptz NOT NULL
);
