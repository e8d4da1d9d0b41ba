-- The language that a person reads, where the platform has told it: what they are told is in it.
ALTER TABLE accounts ADD COLUMN language text;
