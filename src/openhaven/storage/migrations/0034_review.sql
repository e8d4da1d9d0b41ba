-- Review: what somebody reads and how they see pictures, and ways to what is near a task.

-- What a reviewer chose for themselves; where there is no row, the house's own rules hold.
CREATE TABLE reviewer_choices (
  staff text PRIMARY KEY REFERENCES staff,
  -- the languages that they read; empty: all
  languages text[] NOT NULL DEFAULT '{}',
  -- stricter than the house: pictures never in colour, never large, never at all; texts covered
  only_grey boolean NOT NULL DEFAULT false,
  only_small boolean NOT NULL DEFAULT false,
  no_pictures boolean NOT NULL DEFAULT false,
  cover_text boolean NOT NULL DEFAULT false
);

CREATE INDEX cases_item ON cases (platform, item) WHERE item IS NOT NULL;
