-- Signing in with passkeys, with another service's word (OpenID Connect), or with a password and a
-- second factor; permissions taken in need; who read what.

-- A session says how its owner proved who they are, when last, and on what kind of device.
ALTER TABLE sessions
  ADD COLUMN id text,
  ADD COLUMN method text NOT NULL DEFAULT 'link'
    CHECK (method IN ('link', 'passkey', 'oidc', 'password')),
  ADD COLUMN device text NOT NULL DEFAULT '' CHECK (length(device) <= 80),
  ADD COLUMN proven_at timestamptz;
UPDATE sessions SET id = 'ses_' || substr(encode(digest, 'hex'), 1, 26), proven_at = created_at;
ALTER TABLE sessions
  ALTER COLUMN id SET NOT NULL,
  ALTER COLUMN proven_at SET NOT NULL,
  ADD CONSTRAINT sessions_id UNIQUE (id);
CREATE INDEX sessions_staff ON sessions (staff) WHERE ended_at IS NULL;

-- A step that was begun and may be ended once; everything it needs is derived from its secret.
CREATE TABLE ceremonies (
  digest bytea PRIMARY KEY,
  kind text NOT NULL,
  staff text REFERENCES staff,
  expires_at timestamptz NOT NULL
);
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);

CREATE TABLE passkeys (
  id text PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  credential bytea NOT NULL UNIQUE CHECK (length(credential) BETWEEN 1 AND 1023),
  public_key bytea NOT NULL,
  -- how often it was used, by its own count; keys that keep no count say 0
  uses bigint NOT NULL CHECK (uses >= 0),
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  -- its count went back, so that there may be a copy of it: it signs nobody in any more
  doubted_at timestamptz
);
CREATE INDEX passkeys_staff ON passkeys (staff);

CREATE TABLE passwords (
  staff text PRIMARY KEY REFERENCES staff,
  -- Argon2id of a keyed digest, so that a copy of the database cannot be guessed at
  hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
  -- the secret of the second factor (RFC 6238), sealed, and the last step that it was used for
  factor bytea NOT NULL,
  step bigint NOT NULL,
  changed_at timestamptz NOT NULL
);
CREATE TABLE recovery_codes (
  digest bytea PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  created_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX recovery_codes_staff ON recovery_codes (staff);

-- Whom another service speaks of; `subject` is a keyed digest of its issuer and its name for them.
CREATE TABLE identities (
  subject bytea PRIMARY KEY,
  staff text NOT NULL UNIQUE REFERENCES staff,
  -- made at a first sign-in: then the service's groups say the roles each time
  led boolean NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz
);

-- Browsers in which somebody signed in before: a stranger's guesses do not slow these down.
CREATE TABLE known_devices (
  digest bytea PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  seen_at timestamptz NOT NULL
);
CREATE INDEX known_devices_staff ON known_devices (staff);
-- Attempts with a password in the last hour, by keyed digests of the name and of the place.
CREATE TABLE sign_in_attempts (
  name bytea NOT NULL,
  place bytea NOT NULL,
  stranger boolean NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_name ON sign_in_attempts (name, at);
CREATE INDEX sign_in_attempts_at ON sign_in_attempts (at);

-- A permission that somebody lacks and took in need, for a while; somebody else looks at it.
CREATE TABLE glass_breaks (
  id text PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  permission text NOT NULL,
  subject text NOT NULL,
  reason bytea NOT NULL,
  taken_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > taken_at
                                      AND ends_at <= taken_at + interval '4 hours'),
  given_back_at timestamptz,
  reviewed_by text REFERENCES staff,
  reviewed_at timestamptz,
  verdict text CHECK (verdict IN ('right', 'wrong')),
  remark bytea,
  alone boolean NOT NULL DEFAULT false,
  CHECK (num_nonnulls(reviewed_by, reviewed_at, verdict, remark) IN (0, 4)),
  CHECK (reviewed_by IS DISTINCT FROM staff OR alone)
);
CREATE INDEX glass_breaks_staff ON glass_breaks (staff, ends_at);
CREATE INDEX glass_breaks_open ON glass_breaks (taken_at) WHERE reviewed_at IS NULL;

CREATE FUNCTION check_glass_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.alone AND EXISTS (SELECT 1 FROM staff WHERE id <> NEW.staff AND disabled_at IS NULL
                           AND 'administrator' = ANY (roles)) THEN
    RAISE EXCEPTION 'there is somebody else who can look at it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER glass_breaks_review BEFORE INSERT OR UPDATE OF reviewed_by, alone ON glass_breaks
  FOR EACH ROW WHEN (NEW.alone) EXECUTE FUNCTION check_glass_review();

-- Who is told of it, stored before it is sent.
CREATE TABLE glass_calls (
  glass text NOT NULL REFERENCES glass_breaks,
  way text NOT NULL CHECK (way IN ('webhook', 'email')),
  state text NOT NULL CHECK (state IN ('intended', 'sent', 'failed', 'skipped')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz,
  last_error text,
  PRIMARY KEY (glass, way)
);
CREATE INDEX glass_calls_waiting ON glass_calls (next_at) WHERE state = 'intended';

-- Who read what: once for each person, matter and minute. A seal is the digest of some of them, and
-- stands in the ledger.
CREATE TABLE read_seals (
  id text PRIMARY KEY,
  reads int NOT NULL,
  digest bytea NOT NULL,
  made_at timestamptz NOT NULL,
  forgotten_at timestamptz
);
CREATE TABLE reads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  kind text NOT NULL,
  matter text NOT NULL CHECK (length(matter) <= 120),
  at timestamptz NOT NULL,
  minute bigint NOT NULL,
  -- the permission was one that they had taken in need
  glass text REFERENCES glass_breaks,
  seal text REFERENCES read_seals,
  UNIQUE (staff, kind, matter, minute)
);
CREATE INDEX reads_staff ON reads (staff, id);
CREATE INDEX reads_matter ON reads (matter, id);
CREATE INDEX reads_unsealed ON reads (id) WHERE seal IS NULL;
CREATE INDEX reads_seal ON reads (seal);
