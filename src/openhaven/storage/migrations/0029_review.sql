-- Review: whose turn a task is and when, what reviewers ask each other, how they are looked after,
-- and how well they agree.

ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('review', 'appeal', 'check'));
ALTER TABLE tasks
  -- as the platform names it; empty when it was not told
  ADD COLUMN language text NOT NULL DEFAULT '',
  -- How much of its time a task is given before its turn: less for what children, trusted flaggers
  -- and people who were right before have reported. Never more than all of it.
  ADD COLUMN share double precision NOT NULL DEFAULT 1 CHECK (share BETWEEN 0.25 AND 1),
  -- Whose turn it is: the smallest number first, within one urgency. `review/order.py` says why.
  ADD COLUMN rank double precision NOT NULL GENERATED ALWAYS AS (
    extract(epoch FROM opened_at - timestamptz '2020-01-01 00:00:00+00')
    + extract(epoch FROM due_at - opened_at) * share) STORED,
  -- whom it takes: anybody of its kind, a senior reviewer, or a specialist for child safety
  ADD COLUMN level text NOT NULL DEFAULT '' CHECK (level IN ('', 'senior', 'specialist')),
  ADD COLUMN snoozed_until timestamptz,
  -- a member of staff who alone may take it until then
  ADD COLUMN offered_to text REFERENCES staff,
  ADD COLUMN offered_until timestamptz,
  ADD CONSTRAINT tasks_offered CHECK ((offered_to IS NULL) = (offered_until IS NULL));
CREATE INDEX tasks_turn ON tasks (urgency DESC, rank, id) WHERE state IN ('open', 'claimed');
CREATE INDEX tasks_taken ON tasks (claimed_by) WHERE state = 'claimed';

-- Nothing sleeps beyond the time by which it is due, and nothing at all where somebody is in danger;
-- whoever brings that time forward.
CREATE FUNCTION tasks_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.urgency > 0 THEN
    NEW.snoozed_until := NULL;
    NEW.offered_to := NULL;
    NEW.offered_until := NULL;
  END IF;
  IF NEW.snoozed_until IS NOT NULL THEN
    NEW.snoozed_until := least(NEW.snoozed_until, NEW.due_at, NEW.clock_at);
  END IF;
  IF NEW.offered_to IS NOT NULL THEN
    NEW.offered_until := least(NEW.offered_until, NEW.due_at, NEW.clock_at);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tasks_wake BEFORE UPDATE ON tasks FOR EACH ROW
  WHEN (NEW.snoozed_until IS NOT NULL OR NEW.offered_to IS NOT NULL) EXECUTE FUNCTION tasks_wake();

-- What reviewers tell each other about a task, sealed for a subject of the case.
CREATE TABLE task_notes (
  id text PRIMARY KEY,
  task text NOT NULL REFERENCES tasks,
  staff text NOT NULL REFERENCES staff,
  kind text NOT NULL CHECK (kind IN ('handed', 'returned', 'snoozed', 'escalated', 'asked', 'said')),
  -- of `said`: what the second opinion would do, and of `handed`: to whom
  outcome text,
  towards text REFERENCES staff,
  subject text NOT NULL,
  body bytea,
  at timestamptz NOT NULL
);
CREATE INDEX task_notes_task ON task_notes (task, at);

-- A judgement may be taken back for a short time, before anything follows from it.
ALTER TABLE judgements ADD COLUMN settle_at timestamptz;
ALTER TABLE judgements DROP CONSTRAINT judgements_state_check;
ALTER TABLE judgements ADD CONSTRAINT judgements_state_check
  CHECK (state IN ('given', 'waits', 'settled', 'withdrawn'));
ALTER TABLE judgements DROP CONSTRAINT judgements_task_key;
CREATE UNIQUE INDEX judgements_task ON judgements (task) WHERE state <> 'withdrawn';
CREATE INDEX judgements_of_task ON judgements (task);
CREATE INDEX judgements_staff ON judgements (staff, at);

-- Only who holds a task judges it, and only while the lease runs; whoever writes the row.
CREATE FUNCTION judgements_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = NEW.task AND t.state = 'claimed'
                 AND t.claimed_by = NEW.staff AND t.lease_until >= NEW.at
                 AND NOT NEW.staff = ANY (t.barred)) THEN
    RAISE EXCEPTION 'who judges a task holds it' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER judgements_guard BEFORE INSERT ON judgements
  FOR EACH ROW EXECUTE FUNCTION judgements_guard();

-- A viewing fact: who saw what, when, and how. Camera data (EXIF) is never part of what is shown.
ALTER TABLE reveals
  ADD COLUMN harm text NOT NULL DEFAULT '',
  ADD COLUMN rendering text NOT NULL DEFAULT 'colour' CHECK (rendering IN ('colour', 'grey')),
  ADD COLUMN side int NOT NULL DEFAULT 1024 CHECK (side > 0),
  -- the whole picture and not a part of it
  ADD COLUMN whole boolean NOT NULL DEFAULT true,
  ADD COLUMN exif boolean NOT NULL DEFAULT false;
CREATE INDEX reveals_staff ON reveals (staff, at);
CREATE INDEX reveals_media ON reveals (media, at);

-- Well-being: which harms somebody does not take, and when they pause from which.
CREATE TABLE opt_outs (
  staff text NOT NULL REFERENCES staff,
  harm text NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (staff, harm)
);
CREATE TABLE pauses (
  id text PRIMARY KEY,
  staff text NOT NULL REFERENCES staff,
  -- empty: from everything
  harm text NOT NULL,
  why text NOT NULL CHECK (why IN ('budget', 'own')),
  began_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  CHECK (until > began_at)
);
CREATE INDEX pauses_staff ON pauses (staff, until);

-- Quality: answers that are agreed to be right, and second looks of people who do not know the first.
CREATE TABLE golden_answers (
  id text PRIMARY KEY,
  task text NOT NULL REFERENCES tasks,
  outcome text NOT NULL CHECK (outcome IN ('allow', 'warn', 'restrict', 'remove', 'suspend')),
  clause text NOT NULL,
  set_by text NOT NULL REFERENCES staff,
  at timestamptz NOT NULL,
  retired_at timestamptz
);
CREATE UNIQUE INDEX golden_answers_task ON golden_answers (task) WHERE retired_at IS NULL;
CREATE TABLE quality_checks (
  task text PRIMARY KEY REFERENCES tasks,
  -- the judgement that is looked at again, or the answer that is agreed to be right
  judgement text UNIQUE REFERENCES judgements,
  golden text REFERENCES golden_answers,
  opened_at timestamptz NOT NULL,
  CHECK ((judgement IS NULL) <> (golden IS NULL))
);
CREATE INDEX quality_checks_golden ON quality_checks (golden) WHERE golden IS NOT NULL;

-- What is around a task: other cases of the account, and how similar matters ended.
CREATE INDEX cases_account ON cases (platform, account, opened_at) WHERE account IS NOT NULL;
CREATE INDEX decisions_harm ON decisions (harm, decided_at) WHERE judgement IS NOT NULL;
