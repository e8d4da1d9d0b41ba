-- What people can count on: clocks that rules set.

-- A legal clock that a rule set: from when we were told until when somebody has to have decided.
-- `clock_at` is the end that people see; a request of somebody concerned may set an earlier one.
ALTER TABLE tasks
  ADD COLUMN law_from timestamptz,
  ADD COLUMN law_at timestamptz,
  -- 1: half is over, 2: its last part, 3: overdue
  ADD COLUMN law_stage int NOT NULL DEFAULT 0 CHECK (law_stage BETWEEN 0 AND 3),
  ADD CONSTRAINT tasks_law CHECK ((law_from IS NULL) = (law_at IS NULL) AND law_from < law_at);
CREATE INDEX tasks_law_runs ON tasks (law_at)
  WHERE state IN ('open', 'claimed') AND law_at IS NOT NULL AND law_stage < 3;

-- What staff is called about is a word of the code (`survivors/alerts/model.py`).
ALTER TABLE staff_alerts DROP CONSTRAINT staff_alerts_kind_check;
ALTER TABLE staff_alerts ADD CONSTRAINT staff_alerts_kind_check CHECK (kind ~ '^[a-z][a-z_]{1,40}$');

-- What a judgement overturned, so that all that rested on it goes in the same transaction.
CREATE INDEX decisions_overturned_by ON decisions (overturned_by) WHERE overturned_by IS NOT NULL;

-- What was hidden before anybody decided is hidden again only with a second person.
INSERT INTO approval_kinds VALUES ('interim-again', '{moderator,appeals,specialist}');
CREATE INDEX decisions_interim ON decisions (platform, item, decided_at)
  WHERE decided_by LIKE 'held:staff:%';
