-- How many entries a source has withdrawn on its last day of withdrawing (UTC): one that suddenly
-- withdraws most of what it gave is not believed.
ALTER TABLE bank_sources
  ADD COLUMN gone_on date,
  ADD COLUMN gone bigint NOT NULL DEFAULT 0;
