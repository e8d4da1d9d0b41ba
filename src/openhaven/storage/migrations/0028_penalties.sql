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

-- The ladder, whoever writes the row. A suspension of many years is one for good by another name:
-- beyond a year it takes two people, too, which `0033_decisions.sql` keeps.
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
       SELECT 1 FROM approvals a JOIN judgements j ON j.id = a.matter
       WHERE a.matter = NEW.judgement AND a.kind = 'termination'
       AND (a.state = 'alone' OR a.state = 'approved' AND a.answered_by <> j.staff)) THEN
    RAISE EXCEPTION 'ending an account for good takes two people' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER suspensions_guard
  BEFORE INSERT OR UPDATE OF outcome, until, permanent, judgement, harm, decided_at ON decisions
  FOR EACH ROW EXECUTE FUNCTION suspensions_guard();
