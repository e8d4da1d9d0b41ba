-- What ended without an answer, what was taken back, what we never heard of again, and what nobody
-- needs any more.

-- An appeal ends unanswered when the person who made it is erased. A judgement that takes several
-- decisions back answers the appeals against all of them.
ALTER TABLE appeals DROP CONSTRAINT appeals_state_check;
ALTER TABLE appeals DROP CONSTRAINT appeals_check;
ALTER TABLE appeals DROP CONSTRAINT appeals_judgement_key;
ALTER TABLE appeals ADD CONSTRAINT appeals_state_check
  CHECK (state IN ('open', 'upheld', 'rejected', 'withdrawn'));
ALTER TABLE appeals ADD CONSTRAINT appeals_judged
  CHECK ((state IN ('open', 'withdrawn')) = (judgement IS NULL));
CREATE INDEX appeals_judgement ON appeals (judgement) WHERE judgement IS NOT NULL;
UPDATE appeals a SET state = 'withdrawn', body = NULL, decided_at = now()
  FROM decisions d JOIN cases c ON c.id = d.case_id
  WHERE d.id = a.decision AND a.state = 'open' AND c.account LIKE 'erased:%';

-- What keeps an item back just now: a person who lets it pass takes back what rules decided.
CREATE INDEX decisions_item ON decisions (platform, item)
  WHERE item IS NOT NULL AND state = 'in_force';

-- What a platform accepted and never spoke of again.
CREATE INDEX acts_accepted ON acts (accepted_at) WHERE state = 'accepted';

-- What a person who asks to be forgotten, or time, takes along.
CREATE INDEX shadow_matches_event ON shadow_matches (event);
CREATE INDEX media_forgotten ON media (deleted_at) WHERE deleted_at IS NOT NULL;
