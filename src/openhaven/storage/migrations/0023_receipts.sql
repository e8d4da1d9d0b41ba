-- What was recorded about a decision in words for the person, sealed for them, with the salt under
-- which the ledger entry `decision.made` is bound to it. Once it is erased, the entry says nothing.

CREATE TABLE decision_words (
  decision text PRIMARY KEY REFERENCES decisions,
  subject text NOT NULL,
  body bytea
);
