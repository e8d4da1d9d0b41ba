-- How many people there are to ask, and what waits for a second one.

-- What the operator says of the people here; `review` and `decisions` say what follows from it.
CREATE TABLE staffing (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  profile text NOT NULL CHECK (profile IN ('solo', 'two', 'team')),
  since timestamptz NOT NULL
);

-- What takes two people, and the roles of which the second one has at least one. A test holds this
-- list against that of the program.
CREATE TABLE approval_kinds (
  kind text PRIMARY KEY,
  roles text[] NOT NULL CHECK (cardinality(roles) > 0)
);
INSERT INTO approval_kinds VALUES
  ('termination', '{moderator,appeals,specialist}'),
  ('bulk', '{moderator,appeals,specialist}'),
  ('notice-exception', '{moderator,appeals,specialist}'),
  ('evidence-opening', '{senior,administrator,specialist}'),
  ('no-report', '{senior,administrator,specialist}'),
  ('withhold-longer', '{senior,administrator,specialist}'),
  ('bank-bulk', '{policy}');

CREATE TABLE approvals (
  id text PRIMARY KEY,
  kind text NOT NULL REFERENCES approval_kinds,
  -- the id of what it is about: of a termination the judgement, of others what their room says
  matter text NOT NULL CHECK (length(matter) BETWEEN 1 AND 200),
  -- why it is wanted, and what the second one said; sealed for the id of this row
  reason bytea,
  answer bytea,
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  lapses_at timestamptz NOT NULL,
  -- `alone`: nobody else is here who could be asked
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'approved', 'refused', 'lapsed', 'alone')),
  answered_by text REFERENCES staff,
  answered_at timestamptz,
  CHECK (lapses_at > asked_at),
  CHECK (answered_by <> asked_by),
  CHECK ((state IN ('approved', 'refused')) = (answered_by IS NOT NULL)),
  CHECK ((state = 'waiting') = (answered_at IS NULL))
);
CREATE INDEX approvals_waiting ON approvals (asked_at) WHERE state = 'waiting';
CREATE INDEX approvals_matter ON approvals (matter, kind);
CREATE UNIQUE INDEX approvals_once ON approvals (kind, matter) WHERE state = 'waiting';
CREATE UNIQUE INDEX approvals_of_judgement ON approvals (matter) WHERE kind = 'termination';

-- Who asks works here, and of a termination is who judged; who answers has the role for it; what
-- was answered stays so, and only the words may be blanked. Alone is who has nobody to ask.
CREATE FUNCTION approvals_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wanted text[];
BEGIN
  SELECT k.roles INTO wanted FROM approval_kinds k WHERE k.kind = NEW.kind;
  IF TG_OP = 'UPDATE' AND (OLD.id, OLD.kind, OLD.matter, OLD.asked_by, OLD.asked_at, OLD.lapses_at)
       IS DISTINCT FROM (NEW.id, NEW.kind, NEW.matter, NEW.asked_by, NEW.asked_at, NEW.lapses_at)
  THEN
    RAISE EXCEPTION 'what was asked stays so' USING ERRCODE = '23514';
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.state <> 'waiting' THEN
    IF (OLD.state, OLD.answered_by, OLD.answered_at)
         IS DISTINCT FROM (NEW.state, NEW.answered_by, NEW.answered_at)
       OR coalesce(NEW.reason, NEW.answer) IS NOT NULL THEN
      RAISE EXCEPTION 'what was answered stays so' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' AND NEW.state NOT IN ('waiting', 'alone')
     OR TG_OP = 'UPDATE' AND NEW.state = 'alone' THEN
    RAISE EXCEPTION 'an approval is asked for before it is given' USING ERRCODE = '23514';
  END IF;
  IF NEW.kind = 'termination' AND NEW.asked_by
       IS DISTINCT FROM (SELECT staff FROM judgements WHERE id = NEW.matter) THEN
    RAISE EXCEPTION 'who judged asks for the approval' USING ERRCODE = '23514';
  END IF;
  IF NEW.state = 'refused' AND NEW.answer IS NULL THEN
    RAISE EXCEPTION 'who refuses says why' USING ERRCODE = '23514';
  END IF;
  IF NEW.state = 'alone' AND (
       NOT EXISTS (SELECT 1 FROM staffing WHERE profile IN ('solo', 'two'))
       OR EXISTS (SELECT 1 FROM staff s WHERE s.id <> NEW.asked_by AND s.disabled_at IS NULL
                  AND s.roles && wanted)) THEN
    RAISE EXCEPTION 'there is somebody to ask' USING ERRCODE = '23514';
  END IF;
  IF NEW.answered_by IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM staff WHERE id = NEW.answered_by AND disabled_at IS NULL
       AND roles && wanted) THEN
    RAISE EXCEPTION 'who answers has the role for it' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approvals_guard BEFORE INSERT OR UPDATE ON approvals
  FOR EACH ROW EXECUTE FUNCTION approvals_guard();
