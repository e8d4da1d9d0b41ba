-- How long an account may be suspended, and that ending one for good takes two people.

-- By the strikes that count before; NULL means for good. A harm that is severe goes beyond it.
CREATE TABLE penalty_ladder (
  strikes int PRIMARY KEY CHECK (strikes >= 0),
  longest_days int CHECK (longest_days > 0)
);
INSERT INTO penalty_ladder VALUES (0, 30), (1, 90), (2, 365), (3, NULL);

-- Danger to life or to a child: severity 4. A test holds this against the program's list of harms.
CREATE TABLE severe_harms (harm text PRIMARY KEY);
INSERT INTO severe_harms VALUES
  ('csam.known'), ('csam.ai_generated'), ('grooming'), ('sextortion.minor'),
  ('sadistic_exploitation'), ('child_trafficking'), ('suicide'), ('terrorism');

-- A judgement that waits for a second person is not settled before.
ALTER TABLE judgements DROP CONSTRAINT judgements_state_check;
ALTER TABLE judgements ADD CONSTRAINT judgements_state_check
  CHECK (state IN ('given', 'waits', 'settled'));

CREATE TABLE approvals (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('termination')),
  judgement text NOT NULL UNIQUE REFERENCES judgements,
  asked_by text NOT NULL REFERENCES staff,
  asked_at timestamptz NOT NULL,
  lapses_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'approved', 'refused', 'lapsed')),
  answered_by text REFERENCES staff,
  answered_at timestamptz,
  reason text CHECK (length(reason) <= 2000),
  CHECK (answered_by <> asked_by),
  CHECK ((state IN ('approved', 'refused')) = (answered_by IS NOT NULL)),
  CHECK ((state = 'waiting') = (answered_at IS NULL)),
  CHECK (state <> 'refused' OR coalesce(length(reason), 0) > 0)
);
CREATE INDEX approvals_waiting ON approvals (asked_at) WHERE state = 'waiting';

-- Who asks is who judged; who answers works here; what was answered stays so, and only the words about
-- a person may be blanked, when they are erased.
CREATE FUNCTION approvals_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.state <> 'waiting' THEN
    RAISE EXCEPTION 'an approval is asked for before it is given' USING ERRCODE = '23514';
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.state <> 'waiting' AND NEW.reason = 'erased'
     AND (OLD.id, OLD.kind, OLD.judgement, OLD.asked_by, OLD.asked_at, OLD.lapses_at, OLD.state,
          OLD.answered_by, OLD.answered_at)
         IS NOT DISTINCT FROM (NEW.id, NEW.kind, NEW.judgement, NEW.asked_by, NEW.asked_at,
                               NEW.lapses_at, NEW.state, NEW.answered_by, NEW.answered_at) THEN
    RETURN NEW;
  END IF;
  IF NEW.asked_by IS DISTINCT FROM (SELECT staff FROM judgements WHERE id = NEW.judgement) THEN
    RAISE EXCEPTION 'who judged asks for the approval' USING ERRCODE = '23514';
  END IF;
  IF TG_OP = 'UPDATE' AND (OLD.state <> 'waiting'
      OR (OLD.id, OLD.kind, OLD.judgement, OLD.asked_by, OLD.asked_at)
         IS DISTINCT FROM (NEW.id, NEW.kind, NEW.judgement, NEW.asked_by, NEW.asked_at)) THEN
    RAISE EXCEPTION 'what was answered stays so' USING ERRCODE = '23514';
  END IF;
  IF NEW.answered_by IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM staff WHERE id = NEW.answered_by AND disabled_at IS NULL
       AND roles && '{moderator,appeals,specialist}') THEN
    RAISE EXCEPTION 'who answers decides on cases here' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approvals_guard BEFORE INSERT OR UPDATE ON approvals
  FOR EACH ROW EXECUTE FUNCTION approvals_guard();

-- The ladder, whoever writes the row. A suspension of many years is one for good by another name:
-- beyond a year it takes two people, too.
CREATE FUNCTION suspensions_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  severe boolean;
  longest int;
BEGIN
  IF NEW.outcome <> 'suspend' THEN
    RETURN NEW;
  END IF;
  IF NEW.account IS NULL THEN
    RAISE EXCEPTION 'a suspension is of an account' USING ERRCODE = '23514';
  END IF;
  severe := EXISTS (SELECT 1 FROM severe_harms h WHERE h.harm = NEW.harm);
  SELECT l.longest_days INTO longest FROM penalty_ladder l WHERE l.strikes <= (
    SELECT count(*) FROM strikes s WHERE s.platform = NEW.platform AND s.account = NEW.account
    AND s.state = 'counts' AND s.expires_at > NEW.decided_at AND s.decision <> NEW.id)
  ORDER BY l.strikes DESC LIMIT 1;
  IF NOT severe AND longest IS NOT NULL
     AND (NEW.until IS NULL OR NEW.until > NEW.decided_at + longest * interval '1 day') THEN
    RAISE EXCEPTION 'at most % days at this step', longest USING ERRCODE = '23514';
  END IF;
  IF (NEW.until IS NULL OR NEW.until > NEW.decided_at + interval '366 days') AND NOT EXISTS (
       SELECT 1 FROM approvals a JOIN judgements j ON j.id = a.judgement
       WHERE a.judgement = NEW.judgement AND a.kind = 'termination' AND a.state = 'approved'
       AND a.answered_by <> j.staff) THEN
    RAISE EXCEPTION 'ending an account for good takes two people' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER suspensions_guard
  BEFORE INSERT OR UPDATE OF outcome, until, permanent, judgement, harm, decided_at ON decisions
  FOR EACH ROW EXECUTE FUNCTION suspensions_guard();
