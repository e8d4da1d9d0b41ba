-- The network of a case: what ties its account to others, looked for when a case needs it, and no
-- further than somebody gave a reason for.

CREATE TABLE networks (
  id text PRIMARY KEY,
  case_id text NOT NULL REFERENCES cases,
  platform text NOT NULL REFERENCES platforms,
  -- accounts and what ties them, sealed for this id; gone once its time is over
  graph bytea,
  made_at timestamptz NOT NULL,
  kept_until timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (ended_at IS NULL OR graph IS NULL)
);
CREATE UNIQUE INDEX networks_living ON networks (case_id) WHERE ended_at IS NULL;

-- Each time that somebody asked for the ties of an account: 0 is that of the case, other numbers
-- are accounts tied to it, from which one step further is looked.
CREATE TABLE network_looks (
  id text PRIMARY KEY,
  network text NOT NULL REFERENCES networks,
  origin int NOT NULL CHECK (origin >= 0),
  -- why, sealed for this id
  reason bytea,
  -- whether a second person has to agree
  second boolean NOT NULL,
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'looking', 'done', 'refused', 'ended')),
  -- events up to here were compared; what is compared with them is sealed for the network
  place bigint,
  work bytea,
  looked bigint NOT NULL DEFAULT 0,
  done_at timestamptz,
  CHECK (origin = 0 OR reason IS NOT NULL),
  CHECK (second OR state <> 'waiting'),
  CHECK (state <> 'done' OR (done_at IS NOT NULL AND work IS NULL))
);
CREATE UNIQUE INDEX network_looks_one ON network_looks (network, origin)
  WHERE state IN ('waiting', 'looking', 'done');
CREATE INDEX network_looks_due ON network_looks (asked_at) WHERE state IN ('waiting', 'looking');

-- An account that somebody needed by its name.
CREATE TABLE network_names (
  id text PRIMARY KEY,
  network text NOT NULL REFERENCES networks,
  number int NOT NULL CHECK (number > 0),
  reason bytea NOT NULL,
  named_by text NOT NULL REFERENCES staff,
  named_at timestamptz NOT NULL,
  UNIQUE (network, number)
);

INSERT INTO approval_kinds VALUES ('network-further', '{senior,administrator,specialist}');

-- Beyond the first step nobody looks at a case of the lane before a second person has agreed.
CREATE FUNCTION network_looks_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.origin > 0 AND NEW.state IN ('looking', 'done')
     AND (NEW.second OR EXISTS (SELECT 1 FROM networks n JOIN cases c ON c.id = n.case_id
                                WHERE n.id = NEW.network AND c.lane_at IS NOT NULL))
     AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.kind = 'network-further'
                     AND a.matter = NEW.id AND a.state IN ('approved', 'alone')) THEN
    RAISE EXCEPTION 'a second person has to agree' USING ERRCODE = '23514';
  END IF;
  IF TG_OP = 'UPDATE' AND (OLD.id, OLD.network, OLD.origin, OLD.reason, OLD.second, OLD.asked_by,
       OLD.asked_at) IS DISTINCT FROM (NEW.id, NEW.network, NEW.origin, NEW.reason, NEW.second,
       NEW.asked_by, NEW.asked_at) THEN
    RAISE EXCEPTION 'what was asked stays as it was' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER network_looks_guard BEFORE INSERT OR UPDATE ON network_looks
  FOR EACH ROW EXECUTE FUNCTION network_looks_guard();
