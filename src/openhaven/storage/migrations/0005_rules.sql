-- What becomes of rules: labels with an end, counts of each day, limits, and rules that fell back.

-- What a rule noted of an account, or of one of its items, for a time. It is no finding of guilt.
CREATE TABLE labels (
  id text NOT NULL UNIQUE,
  platform text NOT NULL,
  account text NOT NULL,
  -- '' for a label on the account itself
  item text NOT NULL DEFAULT '',
  name text NOT NULL,
  rule text NOT NULL,
  pack text NOT NULL,
  -- the latest event that gave it
  event bigint NOT NULL,
  given_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (platform, account, item, name)
);
CREATE INDEX labels_event ON labels (event);
CREATE INDEX labels_until ON labels (until);

-- How often each rule spoke on a day (UTC). What is new is only added, so that nobody waits for a
-- row that many need, and is summed up into rule_days a moment later.
CREATE TABLE rule_counts (
  day date NOT NULL,
  rule text NOT NULL,
  pack text NOT NULL,
  matched bigint NOT NULL DEFAULT 0,
  acted bigint NOT NULL DEFAULT 0,
  shadow bigint NOT NULL DEFAULT 0,
  unknown bigint NOT NULL DEFAULT 0,
  capped bigint NOT NULL DEFAULT 0,
  reviewed bigint NOT NULL DEFAULT 0
);

CREATE TABLE rule_days (
  day date NOT NULL,
  rule text NOT NULL,
  pack text NOT NULL,
  -- its condition held, and it is live
  matched bigint NOT NULL DEFAULT 0,
  -- it was the strongest, and what it says is what followed
  acted bigint NOT NULL DEFAULT 0,
  -- its condition held, and it only looks on
  shadow bigint NOT NULL DEFAULT 0,
  -- its condition could not be answered
  unknown bigint NOT NULL DEFAULT 0,
  -- a person was asked instead, because its number for the day was used up
  capped bigint NOT NULL DEFAULT 0,
  -- a person was asked instead, because it had fallen back
  reviewed bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, rule, pack)
);

CREATE TABLE shadow_matches (
  rule text NOT NULL,
  pack text NOT NULL,
  event bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (rule, pack, event)
);
CREATE INDEX shadow_matches_at ON shadow_matches (at);

-- How many times a rule with a daily cap wanted to act on a day (UTC).
CREATE TABLE rule_caps (
  day date NOT NULL,
  rule text NOT NULL,
  asked bigint NOT NULL,
  PRIMARY KEY (day, rule)
);

-- Rules that only ask a person, since too many of their decisions were overturned on appeal.
CREATE TABLE rule_fallbacks (
  id text PRIMARY KEY,
  rule text NOT NULL,
  pack text NOT NULL,
  since timestamptz NOT NULL,
  appeals int NOT NULL,
  overturned int NOT NULL,
  lifted_at timestamptz,
  lifted_by text,
  reason text,
  CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
  CHECK ((lifted_at IS NULL) = (reason IS NULL))
);
CREATE UNIQUE INDEX rule_fallbacks_standing ON rule_fallbacks (rule) WHERE lifted_at IS NULL;

-- Decisions that hold something back until a person has looked, and those that rules made.
CREATE INDEX decisions_held ON decisions (case_id) WHERE decided_by LIKE 'held:%';
CREATE INDEX decisions_rule ON decisions (decided_by, decided_at) WHERE decided_by LIKE 'rule:%';
