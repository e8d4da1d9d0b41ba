-- Indexes for what is asked often: how many entries a source brought, how the latest appeals ended,
-- which tasks belong to a case or to an event that is to be forgotten.

CREATE INDEX bank_entries_source ON bank_entries (source) WHERE source IS NOT NULL AND living;
CREATE INDEX appeals_decided ON appeals (decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX tasks_case ON tasks (case_id);
CREATE INDEX tasks_event ON tasks (event) WHERE event IS NOT NULL;
