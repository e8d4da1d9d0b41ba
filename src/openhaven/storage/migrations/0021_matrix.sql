-- What was said around a restart of a homeserver may never be sent to us: it notes events as sent
-- when it has put them into its memory. Afterwards they are read from its records.
ALTER TABLE matrix_servers
  -- when the newest event was made, by an account of the homeserver itself, that it has sent us
  ADD COLUMN heard_at timestamptz,
  -- the same as of the last beat of a connection that never broke: what was said before has come
  ADD COLUMN safe_at timestamptz,
  -- since when everything is to be read again; empty once the rooms stand in matrix_owed_rooms
  ADD COLUMN owed_since timestamptz,
  ADD COLUMN owed_next_at timestamptz,
  ADD COLUMN owed_error text,
  -- the last time that nothing was owed any more, and how much had not been sent to us
  ADD COLUMN caught_up_at timestamptz,
  ADD COLUMN caught_up_events bigint NOT NULL DEFAULT 0;

-- Rooms that are still to be read again; a row goes away when its room was read.
CREATE TABLE matrix_owed_rooms (
  platform text NOT NULL REFERENCES matrix_servers,
  room text NOT NULL,
  since timestamptz NOT NULL,
  -- counts how often it was asked for, so that who has read an earlier time does not tick it off
  round int NOT NULL DEFAULT 1,
  -- where to go on in a room of which only the newest part was read yet
  page text,
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  last_error text,
  PRIMARY KEY (platform, room)
);
CREATE INDEX matrix_owed_rooms_due ON matrix_owed_rooms (platform, next_at);
