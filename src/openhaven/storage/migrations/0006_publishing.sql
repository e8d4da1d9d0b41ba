-- Publishing: drafts of packs, what a second person said of them, and what came into force when.

-- The same digest as `policy.folder.fingerprint`: nobody can have one text approved and another run.
CREATE FUNCTION pack_fingerprint(files jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT 'sha256:' || encode(sha256(coalesce(string_agg(
    int8send(octet_length(convert_to(key, 'UTF8'))::bigint) || convert_to(key, 'UTF8')
      || int8send(octet_length(convert_to(value, 'UTF8'))::bigint) || convert_to(value, 'UTF8'),
    ''::bytea ORDER BY key COLLATE "C"), ''::bytea)), 'hex')
  FROM jsonb_each_text(files)
$$;

-- The roles that may publish; a test holds them against core/permissions.py.
CREATE FUNCTION policy_publishers() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['administrator', 'policy']
$$;

CREATE TABLE pack_drafts (
  id text PRIMARY KEY,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  files jsonb NOT NULL CHECK (jsonb_typeof(files) = 'object'),
  fingerprint text NOT NULL GENERATED ALWAYS AS (pack_fingerprint(files)) STORED,
  -- what was in force when it was begun: it may be published only while that still is
  based_on text NOT NULL REFERENCES packs,
  owner text NOT NULL REFERENCES staff,
  -- everybody who wrote any of it, and who proposed it: none of them may approve it
  authors text[] NOT NULL,
  version int NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'draft' CHECK
    (state IN ('draft', 'checked', 'proposed', 'approved', 'live', 'rejected', 'withdrawn')),
  -- the last try-out of exactly these files: mistakes and examples
  tried jsonb,
  backtest text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  proposed_at timestamptz,
  ended_at timestamptz,
  CHECK (owner = ANY (authors)),
  CHECK ((state IN ('live', 'rejected', 'withdrawn')) = (ended_at IS NOT NULL)),
  CHECK (state IN ('draft', 'checked', 'withdrawn') OR proposed_at IS NOT NULL),
  CHECK (state NOT IN ('checked', 'proposed', 'approved', 'live') OR tried IS NOT NULL)
);
CREATE INDEX pack_drafts_open ON pack_drafts (updated_at) WHERE ended_at IS NULL;

CREATE TABLE pack_reviews (
  id text PRIMARY KEY,
  draft text NOT NULL REFERENCES pack_drafts,
  fingerprint text NOT NULL,
  said text NOT NULL CHECK (said IN ('approved', 'rejected')),
  staff text NOT NULL REFERENCES staff,
  authors text[] NOT NULL,
  -- nobody else who works here may publish: the author approved it alone, and everybody can see that
  alone boolean NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  at timestamptz NOT NULL,
  UNIQUE (draft, fingerprint),
  CHECK (said = 'rejected' OR alone = (staff = ANY (authors)))
);

CREATE TABLE packs_in_force (
  id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
  -- the row before this one: two people who publish at once cannot both follow the same
  after bigint UNIQUE REFERENCES packs_in_force (seq),
  pack text NOT NULL REFERENCES packs,
  how text NOT NULL CHECK (how IN ('settings', 'published', 'rolled_back')),
  review text UNIQUE REFERENCES pack_reviews,
  -- for a roll-back: the row whose pack is in force again
  restores bigint REFERENCES packs_in_force (seq),
  backtest text,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  by_whom text NOT NULL,
  at timestamptz NOT NULL,
  CHECK (after < seq AND restores < seq),
  CHECK ((how = 'settings') = (after IS NULL)),
  CHECK ((how = 'published') = (review IS NOT NULL)),
  CHECK ((how = 'rolled_back') = (restores IS NOT NULL))
);
CREATE UNIQUE INDEX packs_in_force_first ON packs_in_force ((true)) WHERE after IS NULL;

-- What was said and what was in force is never altered.
CREATE FUNCTION stays_as_it_is() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never altered', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER pack_reviews_stay BEFORE UPDATE OR DELETE ON pack_reviews
  FOR EACH ROW EXECUTE FUNCTION stays_as_it_is();
CREATE TRIGGER pack_reviews_all_stay BEFORE TRUNCATE ON pack_reviews EXECUTE FUNCTION stays_as_it_is();
CREATE TRIGGER packs_in_force_stay BEFORE UPDATE OR DELETE ON packs_in_force
  FOR EACH ROW EXECUTE FUNCTION stays_as_it_is();
CREATE TRIGGER packs_in_force_all_stay BEFORE TRUNCATE ON packs_in_force
  EXECUTE FUNCTION stays_as_it_is();

-- A draft that was proposed is what the second person reads: its text and its authors stay.
CREATE FUNCTION pack_draft_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.owner <> OLD.owner OR NOT NEW.authors @> OLD.authors OR NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'who wrote a draft stays' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.state NOT IN ('draft', 'checked') AND NEW.state <> 'draft'
     AND (NEW.files <> OLD.files OR NEW.based_on <> OLD.based_on OR NEW.authors <> OLD.authors) THEN
    RAISE EXCEPTION 'a draft that was proposed stays as it is'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.ended_at IS NOT NULL THEN
    RAISE EXCEPTION 'a draft that has ended stays as it is'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pack_draft_keeps BEFORE UPDATE ON pack_drafts
  FOR EACH ROW EXECUTE FUNCTION pack_draft_keeps();

-- The rule of two people, for whoever writes SQL past the program.
CREATE FUNCTION pack_review_is_fair() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  draft pack_drafts;
BEGIN
  SELECT * INTO draft FROM pack_drafts WHERE id = NEW.draft FOR UPDATE;
  IF draft.state <> 'proposed' OR draft.fingerprint <> NEW.fingerprint
     OR NOT (NEW.authors @> draft.authors) THEN
    RAISE EXCEPTION 'only what was proposed is reviewed, as it was proposed'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM 1 FROM staff WHERE id = NEW.staff AND disabled_at IS NULL
    AND roles && policy_publishers() FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this person may not review drafts'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.alone AND EXISTS (SELECT 1 FROM staff WHERE id <> NEW.staff AND disabled_at IS NULL
                           AND roles && policy_publishers()) THEN
    RAISE EXCEPTION 'somebody else is there who could approve it'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pack_review_is_fair BEFORE INSERT ON pack_reviews
  FOR EACH ROW EXECUTE FUNCTION pack_review_is_fair();

CREATE FUNCTION pack_comes_into_force() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last packs_in_force;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('openhaven.policy', 0));
  SELECT * INTO last FROM packs_in_force ORDER BY seq DESC LIMIT 1;
  IF NEW.after IS DISTINCT FROM last.seq THEN
    RAISE EXCEPTION 'somebody published meanwhile'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM 1 FROM packs WHERE fingerprint = NEW.pack AND pack_fingerprint(files) = NEW.pack;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the files of this pack are not what its fingerprint says'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.how = 'rolled_back' THEN
    PERFORM 1 FROM packs_in_force WHERE seq = NEW.restores AND pack = NEW.pack;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'only what was in force can be restored'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF NEW.how = 'published' THEN
    PERFORM 1 FROM pack_reviews r JOIN pack_drafts d ON d.id = r.draft
     WHERE r.id = NEW.review AND r.said = 'approved' AND r.fingerprint = NEW.pack
       AND d.state = 'approved' AND d.based_on = last.pack;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'only what was approved, and follows what is in force, is published'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pack_comes_into_force BEFORE INSERT ON packs_in_force
  FOR EACH ROW EXECUTE FUNCTION pack_comes_into_force();
