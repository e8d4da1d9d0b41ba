-- Of an item with several versions each is kept, not only one: an edit may be what was decided on.

ALTER TABLE kept_copies DROP CONSTRAINT kept_copies_pkey;
ALTER TABLE kept_copies ALTER COLUMN event SET NOT NULL;
ALTER TABLE kept_copies ADD PRIMARY KEY (event, decision, media);
CREATE INDEX kept_copies_media ON kept_copies (media) WHERE media <> '';
