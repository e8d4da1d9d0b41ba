-- Support: where people may turn, and who saw last that it is true.

-- One service that helps. What is unverified, or was verified too long ago, is never shown as a
-- number. Nothing is deleted: a service that has ended is withdrawn.
CREATE TABLE help_services (
  id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{1,59}$'),
  country text NOT NULL CHECK (country ~ '^([A-Z]{2}|\*)$'),
  name text NOT NULL CHECK (name <> ''),
  languages text[] NOT NULL,
  topics text[] NOT NULL CHECK (topics <> '{}'),
  age_from int NOT NULL CHECK (age_from >= 0),
  age_to int NOT NULL CHECK (age_to >= age_from AND age_to <= 120),
  hours text NOT NULL,
  call text NOT NULL,
  text text NOT NULL,
  chat text NOT NULL CHECK (chat = '' OR chat LIKE 'https://%'),
  web text NOT NULL CHECK (web = '' OR web LIKE 'https://%'),
  cost text NOT NULL CHECK (cost IN ('unknown', 'free', 'standard', 'paid')),
  pair text NOT NULL,
  verified_on date,
  verified_by text NOT NULL,
  source text NOT NULL,
  added_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  withdrawn_at timestamptz,
  -- Somebody saw it, by name and on a day; or nobody did.
  CHECK ((verified_on IS NULL) = (verified_by = '')),
  CHECK (call <> '' OR text <> '' OR chat <> '' OR web <> '')
);

-- Who saw what, and when. `content` is the SHA-256 of what was seen, so that a later change of the
-- service is not covered by it.
CREATE TABLE help_verifications (
  id text PRIMARY KEY,
  service text NOT NULL REFERENCES help_services (id),
  content text NOT NULL,
  seen_on date NOT NULL,
  seen_by text NOT NULL CHECK (seen_by <> ''),
  at timestamptz NOT NULL
);
CREATE INDEX help_verifications_service ON help_verifications (service, at);

-- When another directory was last asked, and what was wrong.
CREATE TABLE help_directories (
  url text PRIMARY KEY,
  tried_at timestamptz NOT NULL,
  read_at timestamptz,
  error text NOT NULL
);
