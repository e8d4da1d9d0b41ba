"""A house with a small pack in force, and people who may change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from policy_scene import FILES, write

from openhaven import staff
from openhaven.core import Actor, system, utcnow
from openhaven.policy import Packs, publishing
from openhaven.policy.publishing import Draft, Standing
from openhaven.signals import Banks
from openhaven.storage import Database

EXAMPLES = """- name: A bad word
  event: {kind: post.create, item: {text: "zorgblat"}}
  must_match: [one]
- name: No bad word
  event: {kind: post.create, item: {text: "good morning"}}
  must_not_match: any
"""
STRICTER = FILES["rules.yaml"].replace("review", "remove")


@dataclass
class Office:
    """Ada and Ben may draft and publish; Mia moderates."""

    db: Database
    banks: Banks
    packs: Packs
    ada: Actor
    ben: Actor
    mia: Actor

    def draft(self, who: Actor, **changed: str | None) -> Draft:
        """Begin a draft of what is in force with files changed: `rules_yaml="…"`."""
        with self.db.begin(who) as tx:
            draft = publishing.start_draft(tx, "Stricter")
            for name, text in changed.items():
                file = name.replace("__", "/").replace("_", ".", 1)
                draft = publishing.edit_draft(tx, draft.id, file, text, draft.version)
        return draft

    def proposed(self, who: Actor, **changed: str | None) -> Draft:
        return publishing.propose(self.db, who, utcnow(), self.draft(who, **changed).id)

    def approved(self, **changed: str | None) -> Draft:
        draft = self.proposed(self.ada, **changed)
        with self.db.begin(self.ben) as tx:
            publishing.approve(tx, draft.id, "It reads well.", fingerprint=draft.fingerprint)
        return draft

    def published(self, **changed: str | None) -> Standing:
        draft = self.approved(**changed)
        return publishing.publish(self.db, self.ben, utcnow(), draft.id)

    def follow(self) -> Packs:
        """Let this process look at what is in force, as each does twice a second."""
        publishing.follow(self.db, self.banks, self.packs)
        return self.packs

    def entries(self, kind: str) -> list[dict[str, str]]:
        sql = "SELECT ids FROM ledger_entries WHERE kind = %(k)s ORDER BY at, id"
        with self.db.read() as tx:
            return [row["ids"] for row in tx.rows(sql, k=kind)]


def member(db: Database, name: str, *roles: str) -> Actor:
    """Add a member of staff and return them as one who acts."""
    with db.begin(system("tests")) as tx:
        return staff.create(tx, name, roles).actor


def office(db: Database, folder: Path, changed: Mapping[str, str] | None = None) -> Office:
    """Put the small pack in force in a fresh database, and let people in."""
    home = write(folder / "pack", {"examples.yaml": EXAMPLES, **(changed or {})})
    banks = Banks()
    packs = publishing.start(db, banks, str(home))
    return Office(
        db,
        banks,
        packs,
        member(db, "Ada", "policy"),
        member(db, "Ben", "policy"),
        member(db, "Mia", "moderator"),
    )
