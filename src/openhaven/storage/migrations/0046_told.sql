-- Who made a sign-in link for somebody, so that this person is told; null: somebody on the machine.
ALTER TABLE sign_in_links ADD COLUMN made_by text REFERENCES staff;
CREATE INDEX sign_in_links_staff ON sign_in_links (staff, created_at);

-- What is looked up for each match, each account that is forgotten, and every few seconds.
CREATE INDEX returning_contests_sighting ON returning_contests (sighting);
CREATE INDEX returning_crowd_who ON returning_crowd (who);
CREATE INDEX returning_entries_wanted ON returning_entries (wanted_until)
  WHERE state = 'intended';
