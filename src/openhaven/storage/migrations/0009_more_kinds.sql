-- Banks of texts that are nearly the same, of films, of hashed links, and of hashes that only their
-- licensees may compute; and what is known of a film and by the latter of a piece of media.

ALTER TABLE banks DROP CONSTRAINT banks_kind_check;
ALTER TABLE banks ADD CONSTRAINT banks_kind_check
  CHECK (kind IN ('sha256', 'sha1', 'md5', 'pdq', 'link', 'text', 'video', 'link-hash', 'plugin'));

-- A film is as long as its frames are many, too long for an index of whole values.
ALTER TABLE bank_entries DROP CONSTRAINT bank_entries_bank_value_key;
CREATE UNIQUE INDEX bank_entries_value ON bank_entries (bank, sha256(value));

ALTER TABLE media
  -- of a film: for each frame that was looked at its hash (32 bytes) and moment (4 bytes, ms)
  ADD COLUMN film bytea NOT NULL DEFAULT ''
    CHECK (octet_length(film) % 36 = 0 AND octet_length(film) <= 36864),
  -- hashes by plugins: the name of the plugin, a zero byte, the hash
  ADD COLUMN plugin_hashes bytea[] NOT NULL DEFAULT '{}'
    CHECK (cardinality(plugin_hashes) <= 8);
