-- Evidence: sealed copies with their custody, holds by legal ground, and the lane for what may be
-- the sexual exploitation of a child.

-- A case in the lane is seen by specialists alone, and nothing in it is ever deleted by an act.
ALTER TABLE cases
  ADD COLUMN lane_at timestamptz,
  ADD COLUMN lane_why text CHECK (lane_why IN ('bank', 'rule', 'reviewer', 'report')),
  -- when what it is about was hidden on the platform, and sealed here
  ADD COLUMN quarantined_at timestamptz,
  ADD COLUMN sealed_at timestamptz,
  ADD CONSTRAINT cases_lane CHECK ((lane_at IS NULL) = (lane_why IS NULL)),
  ADD CONSTRAINT cases_quarantined CHECK (quarantined_at IS NULL OR lane_at IS NOT NULL);
CREATE INDEX cases_in_lane ON cases (lane_at) WHERE lane_at IS NOT NULL;
CREATE INDEX cases_to_seal ON cases (quarantined_at)
  WHERE quarantined_at IS NOT NULL AND sealed_at IS NULL;

-- Who left the lane once would have seen it: a case stays in it.
CREATE FUNCTION cases_stay_in_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a case stays in the lane' USING ERRCODE = '23514';
END $$;
CREATE TRIGGER cases_stay_in_lane BEFORE UPDATE ON cases FOR EACH ROW
  WHEN (OLD.lane_at IS NOT NULL AND NEW.lane_at IS DISTINCT FROM OLD.lane_at)
  EXECUTE FUNCTION cases_stay_in_lane();

-- The platform's media that lane cases are about, so that a picture is closed wherever it is asked for.
CREATE TABLE lane_media (
  media text NOT NULL,
  case_id text NOT NULL REFERENCES cases,
  PRIMARY KEY (media, case_id)
);
CREATE INDEX lane_media_case ON lane_media (case_id);
CREATE INDEX media_sha256 ON media (sha256);

-- That the notices of a lane case wait for longer, as somebody asked a second person.
CREATE TABLE lane_withholdings (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  until timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE UNIQUE INDEX lane_withholdings_one ON lane_withholdings (case_id) WHERE ended_at IS NULL;

CREATE TABLE evidence_items (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  kind text NOT NULL CHECK (kind IN ('media', 'event', 'report', 'snapshot', 'filing', 'derived', 'other')),
  -- taken before anything else was done with the bytes
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  md5 bytea NOT NULL CHECK (length(md5) = 16),
  bytes bigint NOT NULL CHECK (bytes >= 0),
  media_type text NOT NULL,
  method text NOT NULL,
  tool text NOT NULL,
  -- the platform's media that it is a copy of, and the item that it was made from
  media text,
  parent text REFERENCES evidence_items,
  -- what the store calls the sealed bytes: their own SHA-256
  blob text NOT NULL,
  sealed_bytes bigint NOT NULL,
  received_at timestamptz NOT NULL,
  received_by text NOT NULL,
  -- file name and source, sealed for the item
  about bytea,
  kept_until timestamptz,
  erase_asked_at timestamptz,
  destroyed_at timestamptz,
  removed_at timestamptz,
  CHECK (removed_at IS NULL OR destroyed_at IS NOT NULL)
);
CREATE INDEX evidence_items_case ON evidence_items (case_id);
CREATE INDEX evidence_items_blob ON evidence_items (blob);
CREATE INDEX evidence_items_media ON evidence_items (media) WHERE media IS NOT NULL;
CREATE INDEX evidence_items_living ON evidence_items (received_at) WHERE destroyed_at IS NULL;
CREATE INDEX evidence_items_to_remove ON evidence_items (destroyed_at)
  WHERE destroyed_at IS NOT NULL AND removed_at IS NULL;

-- The officers to whom the key of each item is wrapped (X25519), and the wrapped keys themselves.
-- `vault` is the installation.
CREATE TABLE evidence_officers (
  id text PRIMARY KEY,
  staff text REFERENCES staff,
  public bytea NOT NULL UNIQUE CHECK (length(public) = 32),
  added_at timestamptz NOT NULL,
  removed_at timestamptz
);
CREATE UNIQUE INDEX evidence_officers_staff ON evidence_officers (staff) WHERE removed_at IS NULL;
CREATE TABLE evidence_keys (
  item text NOT NULL REFERENCES evidence_items,
  officer text NOT NULL,
  wrapped bytea NOT NULL,
  PRIMARY KEY (item, officer)
);
CREATE INDEX evidence_keys_officer ON evidence_keys (officer);

-- Every touch.
CREATE TABLE custody_events (
  id text PRIMARY KEY,
  item text NOT NULL REFERENCES evidence_items,
  kind text NOT NULL CHECK (kind IN ('received', 'opened', 'viewed', 'copied', 'derived', 'released', 'destroyed', 'removed')),
  purpose text NOT NULL,
  actor text NOT NULL,
  at timestamptz NOT NULL,
  -- of a view: how it was shown, whether whole, and with or without camera data
  rendering text CHECK (rendering IN ('veiled', 'grey', 'colour', 'original')),
  whole boolean,
  exif boolean,
  -- of a release: to whom, by their own reference
  reference text NOT NULL DEFAULT '',
  CHECK ((kind = 'viewed') = (rendering IS NOT NULL AND whole IS NOT NULL AND exif IS NOT NULL))
);
CREATE INDEX custody_events_item ON custody_events (item, at);

CREATE TABLE holds (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  -- one item of the case; without one, all of them
  item text REFERENCES evidence_items,
  ground text NOT NULL,
  reference text NOT NULL,
  placed_by text NOT NULL,
  placed_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  renewed_at timestamptz,
  ended_at timestamptz,
  why_ended text CHECK (why_ended IN ('over', 'released')),
  CHECK (until > placed_at),
  CHECK ((ended_at IS NULL) = (why_ended IS NULL))
);
CREATE INDEX holds_case ON holds (case_id);
CREATE INDEX holds_standing ON holds (until) WHERE ended_at IS NULL;

-- What was received, touched and held stays written; whoever writes.
CREATE FUNCTION evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is not deleted or altered' USING ERRCODE = '23514';
END $$;
CREATE TRIGGER evidence_items_stay BEFORE DELETE ON evidence_items
  FOR EACH ROW EXECUTE FUNCTION evidence_stays();
CREATE TRIGGER evidence_items_as_received BEFORE UPDATE ON evidence_items FOR EACH ROW
  WHEN ((OLD.id, OLD.case_id, OLD.kind, OLD.sha256, OLD.md5, OLD.bytes, OLD.media_type, OLD.method,
         OLD.tool, OLD.blob, OLD.received_at, OLD.received_by)
        IS DISTINCT FROM
        (NEW.id, NEW.case_id, NEW.kind, NEW.sha256, NEW.md5, NEW.bytes, NEW.media_type, NEW.method,
         NEW.tool, NEW.blob, NEW.received_at, NEW.received_by)
        OR (OLD.destroyed_at IS NOT NULL AND NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at))
  EXECUTE FUNCTION evidence_stays();
CREATE TRIGGER custody_events_stay BEFORE UPDATE OR DELETE ON custody_events
  FOR EACH ROW EXECUTE FUNCTION evidence_stays();
CREATE TRIGGER holds_stay BEFORE DELETE ON holds FOR EACH ROW EXECUTE FUNCTION evidence_stays();
CREATE TRIGGER holds_as_placed BEFORE UPDATE ON holds FOR EACH ROW
  WHEN ((OLD.id, OLD.case_id, OLD.item, OLD.ground, OLD.placed_by, OLD.placed_at)
        IS DISTINCT FROM (NEW.id, NEW.case_id, NEW.item, NEW.ground, NEW.placed_by, NEW.placed_at)
        OR NEW.until < OLD.until OR OLD.ended_at IS NOT NULL)
  EXECUTE FUNCTION evidence_stays();

-- Nothing is destroyed while a hold stands; whoever writes.
CREATE FUNCTION evidence_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM holds h WHERE h.case_id = NEW.case_id AND h.ended_at IS NULL
             AND h.until > NEW.destroyed_at AND (h.item IS NULL OR h.item = NEW.id)) THEN
    RAISE EXCEPTION 'a hold stands' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER evidence_is_held BEFORE UPDATE ON evidence_items FOR EACH ROW
  WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL)
  EXECUTE FUNCTION evidence_is_held();

-- A viewing fact counts when the picture was really handed out, not when it was asked for.
ALTER TABLE reveals ADD COLUMN shown_at timestamptz;
