-- Decisions that a platform or a tool made outside, under an id of its own.

CREATE TABLE outside_decisions (
  platform text NOT NULL REFERENCES platforms,
  id text NOT NULL,
  digest bytea NOT NULL,
  decision text NOT NULL UNIQUE REFERENCES decisions,
  PRIMARY KEY (platform, id)
);

-- One rule decides once on an event; what was decided outside may be about the same event.
DROP INDEX decisions_event;
CREATE UNIQUE INDEX decisions_event ON decisions (event)
  WHERE judgement IS NULL AND event IS NOT NULL AND decided_by NOT LIKE 'platform:%';

-- Nobody loses an account by a computer alone. Who decided outside says that a person did, and that
-- it is for a time.
ALTER TABLE decisions DROP CONSTRAINT decisions_check4;
ALTER TABLE decisions ADD CONSTRAINT decisions_suspend CHECK (
  outcome <> 'suspend' OR judgement IS NOT NULL
  OR (decided_by LIKE 'platform:%' AND automated_decision <> 'fully' AND until IS NOT NULL));
