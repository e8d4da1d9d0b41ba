-- What authorities ask of the service: who asked, whether it is they, what the law lets us give,
-- to what it was narrowed, who agreed, what was given or why not, and who was told when.

-- Authorities that two people know: their country and domain, a number that was found independently
-- of any letter, and a key to which answers are sealed.
CREATE TABLE authority_contacts (
  id text PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  domain text NOT NULL CHECK (domain = lower(domain) AND length(domain) BETWEEN 3 AND 253),
  -- number, where it was found, address; sealed for the contact
  body bytea,
  key_kind text CHECK (key_kind IN ('x25519', 'x509')),
  key bytea,
  added_by text NOT NULL REFERENCES staff,
  added_at timestamptz NOT NULL,
  known_at timestamptz,
  removed_at timestamptz,
  removed_by text,
  CHECK ((key IS NULL) = (key_kind IS NULL)),
  CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE INDEX authority_contacts_domain ON authority_contacts (domain) WHERE removed_at IS NULL;

CREATE TABLE lawful_requests (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('order', 'warrant', 'emergency', 'preservation', 'epoc',
    'epoc-pr', 'removal', 'foreign')),
  -- whose authority asks (ISO 3166-1 alpha-2)
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  via text NOT NULL CHECK (via IN ('door', 'letter', 'email', 'portal')),
  -- somebody's life is in danger, as the request says
  life boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL,
  received_by text NOT NULL,
  due_at timestamptz NOT NULL,
  -- how often the clock has called, and when last
  level int NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 3),
  called_at timestamptz,
  -- keyed digest of the code with which the authority sees how far it is
  code bytea NOT NULL UNIQUE,
  -- authority, reference, legal basis, what is asked, about whom, contact; sealed for the request
  body bytea,
  -- what speaks against the sender, by code
  flags text[] NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'authenticated', 'checked',
    'narrowed', 'asked', 'approved', 'produced', 'preserved', 'removed', 'refused', 'withdrawn')),
  authenticated_at timestamptz,
  authenticated_by text,
  checked_at timestamptz,
  checked_by text,
  scope text,
  approved_at timestamptz,
  -- where what is given is sealed to, and who confirmed that it is theirs
  key_kind text CHECK (key_kind IN ('x25519', 'x509')),
  key bytea,
  key_by text,
  ended_at timestamptz,
  ended_by text,
  refusal text CHECK (refusal IN ('not_authentic', 'form', 'no_basis', 'not_competent', 'no_treaty',
    'too_wide', 'rights', 'not_held', 'gone', 'other')),
  -- less was given than was asked
  part boolean,
  accounts int CHECK (accounts >= 0),
  decision text REFERENCES decisions,
  forgotten_at timestamptz,
  CHECK ((key IS NULL) = (key_kind IS NULL) AND (key IS NULL) = (key_by IS NULL)),
  CHECK ((authenticated_at IS NULL) = (authenticated_by IS NULL)),
  CHECK ((checked_at IS NULL) = (checked_by IS NULL)),
  CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
  CHECK ((ended_at IS NOT NULL) =
         (state IN ('produced', 'preserved', 'removed', 'refused', 'withdrawn'))),
  CHECK ((state = 'refused') = (refusal IS NOT NULL)),
  CHECK (state NOT IN ('authenticated', 'checked', 'narrowed', 'asked', 'approved', 'produced',
           'preserved', 'removed') OR authenticated_at IS NOT NULL),
  CHECK (state NOT IN ('checked', 'narrowed', 'asked', 'approved', 'produced', 'preserved',
           'removed') OR checked_at IS NOT NULL),
  CHECK (state NOT IN ('narrowed', 'asked', 'approved', 'produced', 'preserved', 'removed')
         OR scope IS NOT NULL),
  CHECK (state NOT IN ('approved', 'produced') OR approved_at IS NOT NULL),
  CHECK (state <> 'produced' OR (key IS NOT NULL AND part IS NOT NULL AND accounts IS NOT NULL)),
  CHECK (state <> 'removed' OR decision IS NOT NULL)
);
CREATE INDEX lawful_requests_due ON lawful_requests (due_at) WHERE ended_at IS NULL;

-- What was done to find out whether the sender is who they say: a number that was called, a seal.
CREATE TABLE request_checks (
  id text PRIMARY KEY,
  request text NOT NULL REFERENCES lawful_requests,
  kind text NOT NULL CHECK (kind IN ('call_back', 'system', 'signature', 'mail')),
  result text NOT NULL CHECK (result IN ('genuine', 'forged', 'unsure')),
  -- where the number was found; never in the letter
  origin text NOT NULL CHECK (origin IN ('', 'kept', 'register', 'website', 'switchboard')),
  contact text REFERENCES authority_contacts,
  staff text NOT NULL REFERENCES staff,
  at timestamptz NOT NULL,
  body bytea,
  CHECK ((kind = 'call_back') = (origin <> '')),
  CHECK ((origin = 'kept') = (contact IS NOT NULL))
);
CREATE INDEX request_checks_request ON request_checks (request);

-- What may be given at most: kinds of data, of these accounts, of this time. Each is a new row.
CREATE TABLE request_scopes (
  id text PRIMARY KEY,
  request text NOT NULL REFERENCES lawful_requests,
  categories text[] NOT NULL,
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  accounts int NOT NULL CHECK (accounts BETWEEN 0 AND 20),
  -- SHA-256 over the whole of it, accounts included
  digest bytea NOT NULL,
  part boolean NOT NULL,
  -- for how long and why the person is told later; none: at once
  delay_ground text NOT NULL DEFAULT '' CHECK (delay_ground IN
    ('', 'order', 'issuer', 'investigation', 'life', 'child')),
  delay_days int NOT NULL DEFAULT 0 CHECK (delay_days BETWEEN 0 AND 180),
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  -- the accounts and the reason, sealed for the request
  body bytea,
  CHECK (since < until AND until - since <= interval '366 days'),
  CHECK ((delay_ground = '') = (delay_days = 0))
);
CREATE INDEX request_scopes_request ON request_scopes (request);
ALTER TABLE lawful_requests ADD FOREIGN KEY (scope) REFERENCES request_scopes;

-- Letters that came in, and files that staff added to what goes out.
CREATE TABLE request_files (
  id text PRIMARY KEY,
  request text NOT NULL REFERENCES lawful_requests,
  side text NOT NULL CHECK (side IN ('in', 'out')),
  sha256 bytea NOT NULL,
  bytes int NOT NULL CHECK (bytes BETWEEN 1 AND 20000000),
  added_at timestamptz NOT NULL,
  added_by text NOT NULL,
  -- what staff calls it, and the file itself; sealed for the request
  about bytea,
  body bytea
);
CREATE INDEX request_files_request ON request_files (request);

-- What was given, sealed to the authority's key: nobody here can open it again.
CREATE TABLE request_deliveries (
  id text PRIMARY KEY,
  request text NOT NULL UNIQUE REFERENCES lawful_requests,
  scope text NOT NULL REFERENCES request_scopes,
  key_kind text NOT NULL,
  -- SHA-256 of the key, of the packet before it was sealed, and of the sealed one
  key_sha256 bytea NOT NULL,
  plain_sha256 bytea NOT NULL,
  sha256 bytea NOT NULL,
  bytes int NOT NULL,
  files int NOT NULL,
  made_at timestamptz NOT NULL,
  made_by text NOT NULL,
  fetched_at timestamptz,
  until timestamptz NOT NULL,
  body bytea
);

-- What is kept because somebody asked: a case with sealed copies, under a hold that ends by itself.
CREATE TABLE request_keeps (
  request text NOT NULL REFERENCES lawful_requests,
  case_id text NOT NULL REFERENCES cases,
  hold text NOT NULL REFERENCES holds,
  subject text NOT NULL,
  kept_at timestamptz NOT NULL,
  PRIMARY KEY (request, subject)
);

-- Word to each person whose data was given; it goes out when its day has come.
CREATE TABLE request_notices (
  id text PRIMARY KEY,
  request text NOT NULL REFERENCES lawful_requests,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN
    ('waiting', 'sent', 'by_hand', 'told', 'erased')),
  delay_ground text NOT NULL DEFAULT '',
  -- who agrees to what, when it is asked for longer
  longer_until timestamptz,
  longer_ground text,
  due_at timestamptz NOT NULL,
  next_at timestamptz,
  attempts int NOT NULL DEFAULT 0,
  renewals int NOT NULL DEFAULT 0,
  last_error text,
  ended_at timestamptz,
  ended_by text,
  body bytea,
  CHECK ((longer_until IS NULL) = (longer_ground IS NULL)),
  CHECK ((state IN ('sent', 'told', 'erased')) = (ended_at IS NOT NULL))
);
CREATE INDEX request_notices_due ON request_notices (next_at) WHERE state = 'waiting';
CREATE INDEX request_notices_request ON request_notices (request);

-- Calls to the list of contacts when a life is in danger: each one tried a few times, loudly.
CREATE TABLE request_calls (
  request text NOT NULL REFERENCES lawful_requests,
  number int NOT NULL,
  state text NOT NULL DEFAULT 'intended' CHECK (state IN ('intended', 'sent', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz,
  last_error text,
  ended_at timestamptz,
  PRIMARY KEY (request, number),
  CHECK ((state = 'intended') = (next_at IS NOT NULL))
);
CREATE INDEX request_calls_due ON request_calls (next_at) WHERE state = 'intended';

-- Nothing is approved or given that no second person agreed to, or could be asked to agree to; and
-- only for the very scope that they saw.
CREATE FUNCTION lawful_requests_second() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM approvals a JOIN request_scopes s ON s.id = a.matter
                 WHERE s.id = NEW.scope AND s.request = NEW.id AND a.kind = 'request-disclosure'
                   AND (a.state = 'alone' OR (a.state = 'approved' AND a.answered_by <> a.asked_by))) THEN
    RAISE EXCEPTION 'a second person has to agree to what is given' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER lawful_requests_second BEFORE INSERT OR UPDATE ON lawful_requests FOR EACH ROW
  WHEN (NEW.state IN ('approved', 'produced')) EXECUTE FUNCTION lawful_requests_second();

-- Nobody is taken for who they say because of a letter alone: a person has looked elsewhere.
CREATE FUNCTION lawful_requests_genuine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM request_checks c WHERE c.request = NEW.id AND c.result = 'genuine'
                 AND (c.kind = 'call_back'
                      OR (c.kind = 'system' AND cardinality(NEW.flags) = 0))) THEN
    RAISE EXCEPTION 'who asks was not called back' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER lawful_requests_genuine BEFORE INSERT OR UPDATE OF authenticated_at ON lawful_requests
  FOR EACH ROW WHEN (NEW.authenticated_at IS NOT NULL) EXECUTE FUNCTION lawful_requests_genuine();

INSERT INTO approval_kinds VALUES
  ('request-disclosure', '{administrator,specialist}'),
  ('request-delay', '{administrator,specialist}'),
  ('authority-contact', '{administrator,specialist}');
