-- What happened lately: counters over accounts, pairs, devices, links and texts.

-- One row has all counters of one thing. Its key is a digest that only this installation can make,
-- and its state holds numbers and digests, so that neither says who or what it is about.
CREATE TABLE history (
  key bytea PRIMARY KEY,
  -- digests of the accounts that a key of several parts names, so that erasing one finds it
  one bytea,
  other bytea,
  -- from this day on nothing in it counts any more; a day, so that an update mostly stays in place
  until date NOT NULL,
  state bytea NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX history_one ON history (one) WHERE one IS NOT NULL;
CREATE INDEX history_other ON history (other) WHERE other IS NOT NULL;
CREATE INDEX history_until ON history (until);

-- Since when a counter, as it is declared now, counts.
CREATE TABLE counters (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  -- the declaration in JSON: what it counts, by what, of which events, in which windows
  declared jsonb NOT NULL,
  since timestamptz NOT NULL,
  -- when a policy without it was put in force
  ended timestamptz
);

-- Locks the rows to be written, in the order of their keys, makes those that are missing, and
-- returns what is known of these and of the rows that are only read. One function, so that it is
-- one statement for the caller; two statements inside, so that the second one sees what whoever
-- held a lock has committed meanwhile.
CREATE FUNCTION take_history(
  written bytea[], ones bytea[], others bytea[], untils date[], asked bytea[]
) RETURNS SETOF history LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO history (key, one, other, until, state)
    SELECT n.*, ''::bytea FROM unnest(written, ones, others, untils)
      AS n (key, one, other, until) ORDER BY n.key
    ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE false;
  RETURN QUERY SELECT h.* FROM history h
    WHERE h.key = ANY (written || asked) AND h.state <> ''::bytea;
END $$;

-- One account's events are judged in their order: whether an earlier one still waits.
CREATE INDEX events_waiting_account ON events (platform, account, seq) WHERE state = 'received';
