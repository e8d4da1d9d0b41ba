-- What may be counted of reports to authorities without opening what they state.

-- how urgent it was said to be: 1 a child in danger now, 2 serious, 3 everything else
ALTER TABLE filings ADD COLUMN priority smallint CHECK (priority BETWEEN 1 AND 3);
-- why nothing was reported, as one of a few grounds; the words about it stay sealed
ALTER TABLE duties ADD COLUMN no_report_ground text CHECK (no_report_ground IN
  ('no_exploitation', 'no_child', 'told_elsewhere', 'no_law', 'mistake', 'other'));
