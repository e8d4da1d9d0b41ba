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

-- What a decision does, where, and from when -----------------------------------------------------

ALTER TABLE decisions
  -- of `restrict`: how; empty is in the platform's own way
  ADD COLUMN measure text NOT NULL DEFAULT ''
    CHECK (measure IN ('', 'age_gate', 'demote', 'label', 'no_interaction', 'monetary', 'service')),
  -- when it begins, where that is later than when it was decided
  ADD COLUMN starts_at timestamptz,
  -- the six answers that it rests on, and the decision of which it is a copy
  ADD COLUMN six text,
  ADD COLUMN copy_of text REFERENCES decisions,
  ADD CONSTRAINT decisions_measure CHECK (measure = '' OR outcome = 'restrict'),
  ADD CONSTRAINT decisions_starts CHECK (
    starts_at IS NULL OR starts_at > decided_at AND outcome NOT IN ('allow', 'warn')),
  ADD CONSTRAINT decisions_ends CHECK (until > coalesce(starts_at, decided_at)),
  ADD CONSTRAINT decisions_no_end CHECK (until IS NULL OR outcome NOT IN ('allow', 'warn')),
  ADD CONSTRAINT decisions_said CHECK (
    btrim(clause) <> '' AND btrim(clause_title) <> '' AND btrim(clause_text) <> ''
    AND btrim(facts) <> '' AND btrim(ground_reference) <> '' AND btrim(redress) <> ''
    AND cardinality(content_type) > 0),
  ADD CONSTRAINT decisions_scope CHECK (
    scope = '{*}' OR (array_position(scope, NULL) IS NULL
                      AND array_to_string(scope, ',') ~ '^[A-Z]{2}(,[A-Z]{2})*$'));
CREATE INDEX decisions_copies ON decisions (copy_of) WHERE copy_of IS NOT NULL;

-- One rule decides once on an event; what was decided outside, what somebody hides for a while, and
-- copies may be about the same event.
DROP INDEX decisions_event;
CREATE UNIQUE INDEX decisions_event ON decisions (event)
  WHERE judgement IS NULL AND event IS NOT NULL AND copy_of IS NULL
    AND decided_by NOT LIKE 'platform:%' AND decided_by NOT LIKE 'held:staff:%';

ALTER TABLE acts
  ADD COLUMN measure text NOT NULL DEFAULT '',
  ADD COLUMN scope text[] NOT NULL DEFAULT '{*}';

-- What a platform can do besides its verbs: measures, and `country` for acts in some countries only.
ALTER TABLE platforms ADD COLUMN can text[] NOT NULL DEFAULT '{}';
UPDATE platforms SET can =
  '{age_gate,demote,label,no_interaction,monetary,service,country}' WHERE connector = 'webhook';

-- What a reviewer says besides the outcome: how, where, from when, and whether to tell later.
ALTER TABLE judgements ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';

-- Incitement: the six answers (Rabat Plan of Action, paragraph 29) ------------------------------------

-- A test holds this list against that of the program.
CREATE TABLE incitement_harms (harm text PRIMARY KEY);
INSERT INTO incitement_harms VALUES ('hate');

-- Each is sealed for `subject`; what was sealed of nothing has 28 bytes.
CREATE TABLE six_answers (
  id text PRIMARY KEY,
  subject text NOT NULL,
  context bytea NOT NULL CHECK (length(context) > 28),
  speaker bytea NOT NULL CHECK (length(speaker) > 28),
  intent bytea NOT NULL CHECK (length(intent) > 28),
  content bytea NOT NULL CHECK (length(content) > 28),
  extent bytea NOT NULL CHECK (length(extent) > 28),
  likelihood bytea NOT NULL CHECK (length(likelihood) > 28),
  answered_at timestamptz NOT NULL
);
ALTER TABLE decisions ADD CONSTRAINT decisions_six_fkey FOREIGN KEY (six) REFERENCES six_answers;

CREATE FUNCTION incitement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.ground = 'law' AND NEW.outcome IN ('remove', 'block', 'suspend') AND NEW.six IS NULL
     AND EXISTS (SELECT 1 FROM incitement_harms h WHERE h.harm = NEW.harm) THEN
    RAISE EXCEPTION 'a removal as incitement rests on six answers' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER incitement_guard BEFORE INSERT OR UPDATE OF ground, outcome, harm, six ON decisions
  FOR EACH ROW EXECUTE FUNCTION incitement_guard();

-- Telling a person later ------------------------------------------------------------------------

CREATE TABLE notice_exceptions (
  id text PRIMARY KEY,
  decision text NOT NULL REFERENCES decisions,
  kind text NOT NULL CHECK (kind IN ('child-safety', 'legal-order')),
  -- of the investigation or the order
  reference text NOT NULL CHECK (btrim(reference) <> '' AND length(reference) <= 200),
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  -- `asked` waits for a second person, `stands` holds the notice back, `ended` does no more
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'stands', 'ended')),
  ended_at timestamptz,
  CHECK (until > asked_at AND until <= asked_at + interval '90 days'),
  CHECK ((state = 'ended') = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX notice_exceptions_one ON notice_exceptions (decision) WHERE state <> 'ended';
CREATE INDEX notice_exceptions_due ON notice_exceptions (until) WHERE state <> 'ended';

-- Beyond a day it takes two people; what has ended stays so.
CREATE FUNCTION notice_exceptions_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.state = 'ended' OR (OLD.id, OLD.decision, OLD.kind, OLD.asked_at,
       OLD.until) IS DISTINCT FROM (NEW.id, NEW.decision, NEW.kind, NEW.asked_at, NEW.until)) THEN
    RAISE EXCEPTION 'an exception only ends' USING ERRCODE = '23514';
  END IF;
  IF NEW.state = 'stands' AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.matter = NEW.id
       AND a.kind = 'notice-exception' AND a.state IN ('approved', 'alone')) THEN
    RAISE EXCEPTION 'an exception to telling takes two people' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER notice_exceptions_guard BEFORE INSERT OR UPDATE ON notice_exceptions
  FOR EACH ROW EXECUTE FUNCTION notice_exceptions_guard();

-- Copies of what was removed, as one list ----------------------------------------------------------

CREATE TABLE copy_lists (
  id text PRIMARY KEY,
  decision text NOT NULL REFERENCES decisions,
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waits', 'done', 'refused')),
  n int NOT NULL CHECK (n > 0),
  -- from how many on it takes two people
  alone_upto int NOT NULL CHECK (alone_upto >= 0)
);
CREATE INDEX copy_lists_decision ON copy_lists (decision);
CREATE TABLE copy_items (
  list text NOT NULL REFERENCES copy_lists,
  item text NOT NULL,
  event bigint NOT NULL,
  how text NOT NULL CHECK (how IN ('file', 'picture', 'text')),
  decision text UNIQUE REFERENCES decisions,
  PRIMARY KEY (list, item)
);

CREATE FUNCTION copies_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.decision IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM copy_lists l WHERE l.id = NEW.list AND (l.n <= l.alone_upto OR EXISTS (
         SELECT 1 FROM approvals a WHERE a.matter = l.id AND a.kind = 'bulk'
         AND a.state IN ('approved', 'alone')))) THEN
    RAISE EXCEPTION 'acting on so many at once takes two people' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER copies_guard BEFORE INSERT OR UPDATE ON copy_items
  FOR EACH ROW EXECUTE FUNCTION copies_guard();

-- Appeals by both sides, and by whom they are heard where few work -----------------------------------

ALTER TABLE appeals
  ADD COLUMN report text REFERENCES reports,
  -- whether somebody heard it who had no part in the decision
  ADD COLUMN independent boolean NOT NULL DEFAULT true;
DROP INDEX appeals_open;
CREATE UNIQUE INDEX appeals_open ON appeals (decision, coalesce(report, '')) WHERE state = 'open';
CREATE INDEX appeals_report ON appeals (report) WHERE report IS NOT NULL;

ALTER TABLE notices DROP CONSTRAINT notices_kind_check;
ALTER TABLE notices ADD CONSTRAINT notices_kind_check CHECK (kind IN (
  'decision', 'appeal_upheld', 'appeal_rejected', 'taken_back', 'outcome', 'note'));

-- Since when whoever acted before may hear the appeal, because nobody else works here.
ALTER TABLE tasks ADD COLUMN same_since timestamptz;
CREATE FUNCTION tasks_same_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind <> 'appeal' OR NEW.same_since < NEW.opened_at + interval '24 hours'
     OR NOT EXISTS (SELECT 1 FROM staffing WHERE profile IN ('solo', 'two')) THEN
    RAISE EXCEPTION 'the same person looks again after a day, where nobody else works'
      USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tasks_same_guard BEFORE INSERT OR UPDATE OF same_since ON tasks FOR EACH ROW
  WHEN (NEW.same_since IS NOT NULL) EXECUTE FUNCTION tasks_same_guard();

-- Trusted flaggers and those who abuse reports -------------------------------------------------------

-- A trusted flagger's key sends reports only, and only of its harms.
ALTER TABLE api_keys
  ADD COLUMN kind text NOT NULL DEFAULT 'platform' CHECK (kind IN ('platform', 'flagger')),
  ADD COLUMN harms text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT api_keys_flagger CHECK ((kind = 'flagger') = (cardinality(harms) > 0));
-- which key brought it, where that is one of a trusted flagger
ALTER TABLE reports ADD COLUMN flagger text REFERENCES api_keys;
CREATE INDEX reports_flagger ON reports (flagger) WHERE flagger IS NOT NULL;

-- Who reports without ground again and again is warned first; then what they report comes later.
CREATE TABLE reporter_warnings (
  platform text NOT NULL REFERENCES platforms,
  reporter bytea NOT NULL,
  warned_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (platform, reporter),
  CHECK (until > warned_at)
);
ALTER TABLE reports ADD COLUMN reporter bytea;
CREATE INDEX reports_reporter ON reports (platform, reporter, created_at) WHERE reporter IS NOT NULL;

-- What was sent along with a report, sealed for the report's subject.
CREATE TABLE report_files (
  id text PRIMARY KEY,
  report text NOT NULL REFERENCES reports,
  subject text NOT NULL,
  type text NOT NULL CHECK (type IN ('image/jpeg', 'image/png', 'image/webp', 'image/gif')),
  body bytea,
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  created_at timestamptz NOT NULL
);
CREATE INDEX report_files_report ON report_files (report);
