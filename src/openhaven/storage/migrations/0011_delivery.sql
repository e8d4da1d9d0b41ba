-- Acts are taken platform by platform, so that a slow one holds up no other.

DROP INDEX acts_waiting;
CREATE INDEX acts_waiting ON acts (platform, next_at) WHERE state = 'intended';
