-- Re-registration: what is kept, for a while and as keyed tokens only, of accounts that were ended
-- for good on listed grounds; and what sign-ups met it. No identifier stands here, only tokens.

-- One key for each platform and epoch: 32 random bytes, sealed for `returning:<platform>:<epoch>`.
-- Once the epoch is over and no token of it is left, the key is destroyed and the row goes.
CREATE TABLE returning_epochs (
  platform text NOT NULL REFERENCES platforms,
  epoch text NOT NULL CHECK (epoch ~ '^[0-9]{4}q[1-4]$'),
  root bytea NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (platform, epoch)
);

-- With whom lists are exchanged, for which classes and until when. The secret is the same on both
-- sides; when the agreement ends it is destroyed, with every token under it.
CREATE TABLE returning_agreements (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  -- sealed for `returning:<id>`
  secret bytea,
  peer_key bytea NOT NULL CHECK (length(peer_key) = 32),
  classes text[] NOT NULL CHECK (cardinality(classes) > 0),
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (until > made_at AND until <= made_at + interval '366 days'),
  CHECK ((secret IS NULL) = (ended_at IS NOT NULL))
);

-- A list on its way in or out. A second person agrees in `approvals`; `body` is what arrived, and
-- goes when that was answered. `report` says what was found in it, in numbers.
CREATE TABLE returning_lists (
  id text PRIMARY KEY,
  agreement text NOT NULL REFERENCES returning_agreements,
  way text NOT NULL CHECK (way IN ('in', 'out')),
  digest bytea UNIQUE,
  body bytea,
  report jsonb NOT NULL DEFAULT '{}',
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'taken', 'refused')),
  CHECK ((way = 'in') = (digest IS NOT NULL)),
  CHECK (state = 'asked' OR body IS NULL)
);

CREATE TABLE returning_entries (
  id text PRIMARY KEY,
  -- what ended the account; or the list that it came with
  decision text UNIQUE REFERENCES decisions,
  list text REFERENCES returning_lists,
  -- what the sender of a list calls it
  remote text,
  platform text REFERENCES platforms,
  class text NOT NULL,
  state text NOT NULL CHECK (state IN ('intended', 'held')),
  created_at timestamptz NOT NULL,
  -- until when the platform may hand over identifiers
  wanted_until timestamptz,
  expires_at timestamptz NOT NULL,
  -- whether it outlives an erasure of the person (by class)
  survives boolean NOT NULL,
  UNIQUE (list, remote),
  CHECK ((decision IS NULL) <> (list IS NULL)),
  CHECK ((decision IS NULL) = (platform IS NULL)),
  CHECK ((state = 'intended') <= (wanted_until IS NOT NULL)),
  CHECK (expires_at > created_at AND expires_at <= created_at + interval '5 years 1 day')
);
CREATE INDEX returning_entries_expiry ON returning_entries (expires_at);

CREATE TABLE returning_tokens (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entry text NOT NULL REFERENCES returning_entries ON DELETE CASCADE,
  -- 'own', or the agreement under whose key it was made
  purpose text NOT NULL,
  epoch text NOT NULL,
  family text NOT NULL,
  kind text NOT NULL,
  strong boolean NOT NULL,
  token bytea NOT NULL CHECK (length(token) = 32),
  expires_at timestamptz NOT NULL,
  -- met at so many accounts that it tells nobody apart
  shared boolean NOT NULL DEFAULT false,
  UNIQUE (entry, token)
);
CREATE INDEX returning_tokens_token ON returning_tokens (token);
CREATE INDEX returning_tokens_expiry ON returning_tokens (expires_at);
CREATE INDEX returning_tokens_epoch ON returning_tokens (purpose, epoch);

-- At which accounts a token was met, as a keyed digest, until it is known to be shared.
CREATE TABLE returning_crowd (
  token bigint NOT NULL REFERENCES returning_tokens ON DELETE CASCADE,
  who bytea NOT NULL,
  PRIMARY KEY (token, who)
);

-- A sign-up that met tokens, or of which nothing could be said (`unknown`).
CREATE TABLE returning_sightings (
  id text PRIMARY KEY,
  platform text NOT NULL REFERENCES platforms,
  event text NOT NULL,
  account text NOT NULL,
  at timestamptz NOT NULL,
  unknown text,
  -- empty until the event was judged
  strength text CHECK (strength IN ('none', 'household', 'strong', 'unknown')),
  task text,
  friction_until timestamptz,
  -- a person found that it is somebody else
  cleared_at timestamptz,
  UNIQUE (platform, event)
);
CREATE INDEX returning_sightings_account ON returning_sightings (platform, account);
CREATE INDEX returning_sightings_at ON returning_sightings (at);
CREATE INDEX returning_sightings_task ON returning_sightings (task) WHERE task IS NOT NULL;
CREATE TABLE returning_hits (
  sighting text NOT NULL REFERENCES returning_sightings ON DELETE CASCADE,
  token bigint NOT NULL REFERENCES returning_tokens ON DELETE CASCADE,
  PRIMARY KEY (sighting, token)
);
CREATE INDEX returning_hits_token ON returning_hits (token);

-- "That is not me": what the person says, and what somebody answered. Sealed for the person.
CREATE TABLE returning_contests (
  id text PRIMARY KEY,
  sighting text NOT NULL REFERENCES returning_sightings ON DELETE CASCADE,
  subject text NOT NULL,
  body bytea,
  created_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'declined')),
  decided_by text REFERENCES staff,
  decided_at timestamptz,
  reasons bytea,
  CHECK ((state = 'open') = (decided_by IS NULL)),
  CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX returning_contests_open ON returning_contests (sighting) WHERE state = 'open';

-- What ended, why and with how many tokens; a number for the ledger, and for nothing else.
CREATE TABLE returning_ends (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entry text NOT NULL,
  class text NOT NULL,
  reason text NOT NULL CHECK (reason IN
    ('overturned', 'expired', 'erased', 'strike', 'unanswered', 'agreement', 'replaced')),
  tokens int NOT NULL,
  at timestamptz NOT NULL,
  told boolean NOT NULL DEFAULT false
);
CREATE INDEX returning_ends_untold ON returning_ends (id) WHERE NOT told;

-- End entries: tokens before entries, each in the order of its id, so that nobody deadlocks.
CREATE FUNCTION returning_end(ids text[], why text, moment timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  PERFORM 1 FROM returning_entries WHERE id = ANY (ids) ORDER BY id FOR UPDATE;
  INSERT INTO returning_ends (entry, class, reason, tokens, at)
    SELECT e.id, e.class, why,
           (SELECT count(*) FROM returning_tokens t WHERE t.entry = e.id), moment
    FROM returning_entries e WHERE e.id = ANY (ids) ORDER BY e.id;
  GET DIAGNOSTICS n = ROW_COUNT;
  DELETE FROM returning_tokens WHERE entry = ANY (ids);
  DELETE FROM returning_entries WHERE id = ANY (ids);
  RETURN n;
END $$;

-- A decision that does not hold any more takes what rests on it along, in the same transaction,
-- whoever ends it; so does the erasure of the person, where the class does not outlive that.
CREATE FUNCTION returning_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> 'in_force' AND OLD.state = 'in_force' THEN
    PERFORM returning_end(ARRAY(SELECT id FROM returning_entries WHERE decision = NEW.id),
                          CASE NEW.state WHEN 'expired' THEN 'expired' ELSE 'overturned' END,
                          now());
  ELSIF NEW.account IS NULL AND OLD.account IS NOT NULL THEN
    PERFORM returning_end(ARRAY(SELECT id FROM returning_entries
                                WHERE decision = NEW.id AND (NOT survives OR state = 'intended')),
                          'erased', now());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER returning_follow AFTER UPDATE OF state, account ON decisions
  FOR EACH ROW EXECUTE FUNCTION returning_follow();

CREATE FUNCTION returning_follow_strike() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM returning_end(ARRAY(SELECT id FROM returning_entries WHERE decision = NEW.decision),
                        'strike', now());
  RETURN NULL;
END $$;
CREATE TRIGGER returning_follow_strike AFTER UPDATE OF state ON strikes
  FOR EACH ROW WHEN (NEW.state = 'lifted' AND OLD.state <> 'lifted')
  EXECUTE FUNCTION returning_follow_strike();

-- Nothing is kept that rests on a decision which does not hold, or which did not end an account for
-- good. Who ends the decision at this very moment is waited for.
CREATE FUNCTION returning_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  made decisions%ROWTYPE;
BEGIN
  IF NEW.decision IS NOT NULL THEN
    SELECT * INTO made FROM decisions WHERE id = NEW.decision FOR SHARE;
    IF made.state IS DISTINCT FROM 'in_force' OR made.outcome <> 'suspend' OR NOT made.permanent
       OR made.platform IS DISTINCT FROM NEW.platform THEN
      RAISE EXCEPTION 'only an account that was ended for good is remembered'
        USING ERRCODE = '23514';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER returning_guard BEFORE INSERT OR UPDATE ON returning_entries
  FOR EACH ROW EXECUTE FUNCTION returning_guard();

INSERT INTO approval_kinds VALUES ('returning-list', '{policy,administrator}');
