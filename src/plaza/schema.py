"""The tables of Plaza. An item's words are never touched by an act: views work out what shows."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  age_band TEXT NOT NULL,
  country TEXT NOT NULL,
  language TEXT NOT NULL,
  about TEXT NOT NULL DEFAULT '',
  generated INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  digest BLOB PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts,
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS items (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('post', 'comment', 'message')),
  account TEXT NOT NULL REFERENCES accounts,
  parent TEXT REFERENCES items (id),
  recipient TEXT REFERENCES accounts,
  text TEXT NOT NULL,
  language TEXT NOT NULL,
  picture TEXT,
  picture_type TEXT,
  alt TEXT NOT NULL DEFAULT '',
  media TEXT,
  planted TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('checking', 'live', 'unreadable', 'deleted')),
  created_at TEXT NOT NULL,
  edited_at TEXT,
  event TEXT NOT NULL,
  outcome TEXT,
  clause TEXT,
  help TEXT NOT NULL DEFAULT '[]',
  decision TEXT,
  answered_at TEXT,
  refusal TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS items_stream ON items (type, seq);
CREATE INDEX IF NOT EXISTS items_parent ON items (parent, seq);
CREATE INDEX IF NOT EXISTS items_account ON items (account, seq);
CREATE TABLE IF NOT EXISTS acts (
  id TEXT PRIMARY KEY,
  verb TEXT NOT NULL,
  item TEXT,
  account TEXT,
  decision TEXT NOT NULL,
  until TEXT,
  reverses TEXT,
  body BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('received', 'done', 'failed')),
  reason TEXT,
  received_at TEXT NOT NULL,
  ended_by TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS acts_item ON acts (item);
CREATE INDEX IF NOT EXISTS acts_account ON acts (account);
CREATE INDEX IF NOT EXISTS acts_decision ON acts (decision);
CREATE TABLE IF NOT EXISTS notices (
  seq INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  decision TEXT NOT NULL,
  clause TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  appeal_url TEXT,
  help TEXT NOT NULL,
  at TEXT NOT NULL,
  read_at TEXT,
  appealed_at TEXT,
  UNIQUE (decision, title, text)
) STRICT;
CREATE INDEX IF NOT EXISTS notices_account ON notices (account, seq);
CREATE INDEX IF NOT EXISTS items_decision ON items (decision);
CREATE TABLE IF NOT EXISTS reports (
  id TEXT PRIMARY KEY,
  reporter TEXT NOT NULL REFERENCES accounts,
  item TEXT,
  account TEXT,
  category TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL,
  receipt TEXT,
  status_url TEXT,
  state TEXT NOT NULL DEFAULT 'sending',
  outcome TEXT,
  help TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX IF NOT EXISTS reports_reporter ON reports (reporter, created_at);
CREATE TABLE IF NOT EXISTS contacts (
  account TEXT NOT NULL REFERENCES accounts,
  other TEXT NOT NULL REFERENCES accounts,
  state TEXT NOT NULL CHECK (state IN ('asked', 'accepted', 'blocked')),
  at TEXT NOT NULL,
  PRIMARY KEY (account, other)
) STRICT;
CREATE TABLE IF NOT EXISTS deeds (
  seq INTEGER PRIMARY KEY,
  action TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts,
  other TEXT REFERENCES accounts,
  answer TEXT NOT NULL CHECK (answer IN ('allow', 'ask', 'deny')),
  said TEXT NOT NULL,
  told TEXT NOT NULL,
  code TEXT NOT NULL,
  help TEXT NOT NULL,
  at TEXT NOT NULL,
  reply TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS deeds_account ON deeds (account, seq);
CREATE INDEX IF NOT EXISTS deeds_other ON deeds (other, seq);
CREATE TABLE IF NOT EXISTS carers (
  child TEXT NOT NULL REFERENCES accounts,
  carer TEXT NOT NULL REFERENCES accounts,
  PRIMARY KEY (child, carer)
) STRICT;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

DROP VIEW IF EXISTS shown;
DROP VIEW IF EXISTS in_force;
CREATE VIEW in_force AS
  SELECT * FROM acts WHERE state = 'done' AND ended_by IS NULL
  AND (until IS NULL OR until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
CREATE VIEW shown AS
  SELECT i.*, a.name AS author, a.generated AS generated,
    (SELECT min(verb) FROM in_force f
      WHERE f.item = i.id AND verb IN ('block', 'hold', 'remove')) AS hidden,
    EXISTS (SELECT 1 FROM in_force f
      WHERE verb = 'restrict' AND (f.item = i.id OR f.account = i.account)) AS restricted,
    (SELECT group_concat(DISTINCT CASE WHEN json_valid(CAST(f.body AS TEXT))
       AND json_extract(CAST(f.body AS TEXT), '$.measure')
         IN ('age_gate', 'demote', 'label', 'no_interaction')
       THEN json_extract(CAST(f.body AS TEXT), '$.measure')
       -- What Plaza has no way for, it does in its own.
       ELSE 'own' END) FROM in_force f
      WHERE verb = 'restrict' AND (f.item = i.id OR f.account = i.account)) AS measures,
    EXISTS (SELECT 1 FROM acts x WHERE x.item = i.id AND x.state = 'done'
      AND verb IN ('restore', 'unblock', 'unrestrict')) AS restored,
    (SELECT n.clause FROM notices n WHERE n.decision = i.decision OR n.decision IN
      (SELECT x.decision FROM acts x WHERE x.item = i.id) ORDER BY n.seq DESC LIMIT 1) AS rule,
    (SELECT count(*) FROM items c WHERE c.parent = i.id AND c.state = 'live') AS comments
  FROM items i JOIN accounts a ON a.id = i.account;
"""
