-- What comparing the store of sealed files with the items has found.
CREATE TABLE evidence_checks (
  id text PRIMARY KEY,
  at timestamptz NOT NULL,
  items bigint NOT NULL,
  -- items whose sealed file is gone, and how many files belong to no item
  lost text[] NOT NULL,
  strays bigint NOT NULL
);
CREATE INDEX evidence_checks_at ON evidence_checks (at);

-- A hold's reference can name people and letters: it is sealed for its case from now on.
ALTER TABLE holds ADD COLUMN sealed_reference bytea;

-- Nothing reads the hash of what was sent along with a report, and it would tell known bytes.
ALTER TABLE report_files DROP COLUMN sha256;

-- What comes to a case after it was sealed is looked for with each batch of events.
CREATE INDEX cases_lane_items ON cases (platform, item) WHERE lane_at IS NOT NULL;

-- Cases that were opened before there was a lane are put into it.
CREATE INDEX cases_outside_lane ON cases (id)
  WHERE lane_at IS NULL AND harm IN ('csam.known', 'csam.ai_generated');
