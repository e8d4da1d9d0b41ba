-- Strikes: what a decision against an account counts for later, and for how long.

-- Harms in which a child may be the one who was hurt, even where the child posted it. A test holds
-- this list against that of the program.
CREATE TABLE harms_to_children (harm text PRIMARY KEY);
INSERT INTO harms_to_children VALUES
  ('csam.known'), ('csam.ai_generated'), ('grooming'), ('sextortion.minor'),
  ('sadistic_exploitation'), ('child_trafficking'), ('minor_privacy'), ('ncii'),
  ('ncii.deepfake');

CREATE TABLE strikes (
  decision text PRIMARY KEY REFERENCES decisions,
  platform text NOT NULL REFERENCES platforms,
  account text NOT NULL,
  severity int NOT NULL CHECK (severity BETWEEN 1 AND 4),
  -- What waits for a specialist counts for nothing until then.
  state text NOT NULL CHECK (state IN ('counts', 'waits', 'lifted')),
  given_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  answered_by text REFERENCES staff,
  answered_at timestamptz,
  CHECK (expires_at > given_at AND expires_at <= given_at + interval '366 days'),
  CHECK ((answered_by IS NULL) = (answered_at IS NULL))
);
CREATE INDEX strikes_counting ON strikes (platform, account, expires_at) WHERE state = 'counts';
CREATE INDEX strikes_waiting ON strikes (given_at) WHERE state = 'waits';

-- A strike is that of its decision, and one that may fall on a child who was hurt counts only when
-- a specialist said so, or decided the matter. What was lifted stays lifted.
CREATE FUNCTION strikes_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  made decisions%ROWTYPE;
BEGIN
  SELECT * INTO made FROM decisions WHERE id = NEW.decision;
  IF TG_OP = 'INSERT' AND (made.platform IS DISTINCT FROM NEW.platform
                           OR made.account IS DISTINCT FROM NEW.account
                           OR made.outcome = 'allow' OR made.decided_by LIKE 'held:%') THEN
    RAISE EXCEPTION 'a strike belongs to a decision against that account' USING ERRCODE = '23514';
  END IF;
  IF TG_OP = 'UPDATE' AND (OLD.state = 'lifted' AND NEW.state <> 'lifted'
                           OR (OLD.decision, OLD.platform, OLD.account, OLD.severity,
                               OLD.given_at)
                              IS DISTINCT FROM (NEW.decision, NEW.platform, NEW.account,
                                                NEW.severity, NEW.given_at)
                           OR NEW.expires_at > OLD.expires_at) THEN
    RAISE EXCEPTION 'a strike only ends, it is never turned to another' USING ERRCODE = '23514';
  END IF;
  IF NEW.state = 'counts'
     AND EXISTS (SELECT 1 FROM harms_to_children h WHERE h.harm = made.harm)
     AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.platform = NEW.platform
                     AND a.id = NEW.account AND a.age_band = '18-plus')
     AND NOT EXISTS (SELECT 1 FROM staff s WHERE 'specialist' = ANY (s.roles)
                     AND s.id IN (NEW.answered_by,
                                  (SELECT j.staff FROM judgements j WHERE j.id = made.judgement)))
  THEN
    RAISE EXCEPTION 'only a specialist may let this strike count' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER strikes_guard BEFORE INSERT OR UPDATE ON strikes
  FOR EACH ROW EXECUTE FUNCTION strikes_guard();

-- What was decided within the last year counts as it did before.
INSERT INTO strikes (decision, platform, account, severity, state, given_at, expires_at)
SELECT d.id, d.platform, d.account, 1,
  CASE WHEN d.state = 'overturned' THEN 'lifted'
       WHEN d.harm IN (SELECT harm FROM harms_to_children) AND NOT EXISTS (
              SELECT 1 FROM accounts a WHERE a.platform = d.platform AND a.id = d.account
              AND a.age_band = '18-plus') THEN 'waits'
       ELSE 'counts' END,
  d.decided_at, d.decided_at + interval '365 days'
FROM decisions d
WHERE d.account IS NOT NULL AND d.outcome <> 'allow' AND d.decided_by NOT LIKE 'held:%'
  AND d.decided_at > now() - interval '365 days';
