-- A file can be read in several ways: on white and on black, as other programs read it, frame by
-- frame. `pdq` is the main reading; `others` are the further ones that are looked up, and `reads`
-- says of each what it is.
ALTER TABLE media
  ADD COLUMN sha1 bytea CHECK (octet_length(sha1) = 20),
  ADD COLUMN others bytea[] NOT NULL DEFAULT '{}',
  ADD COLUMN reads text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT media_readings
    CHECK (cardinality(others) = cardinality(reads) AND cardinality(others) <= 15);
