"""A case with a sealed item, on a real database and a real folder."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from openhaven import evidence
from openhaven.core import Actor, new_id, system
from openhaven.evidence import Item, Vault
from openhaven.line import Haven
from openhaven.storage import Tx

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ME = system("evidence-test")
MARK = b"PLACEHOLDER-FOR-A-TEST-7f3a"
DAY = timedelta(days=1)


def new_case(tx: Tx, *, lane: bool = False) -> str:
    case = new_id("cas")
    tx.run("""INSERT INTO cases (id, platform, item, harm, opened_at, lane_at, lane_why)
              VALUES (%(id)s, 'plf_1', %(item)s, 'other', %(now)s, %(at)s, %(why)s)""",
           id=case, item=new_id("i"), now=tx.now, at=tx.now if lane else None,
           why="reviewer" if lane else None)  # fmt: skip
    return case


def taken(haven: Haven, data: bytes = MARK, *, now: datetime = NOW, lane: bool = False) -> Item:
    """Return an item of a new case, received from these bytes."""
    with haven.db.begin(ME, now) as tx:
        return received(haven.vault, tx, new_case(tx, lane=lane), data)


def received(vault: Vault, tx: Tx, case: str, data: bytes, **more: str) -> Item:
    return evidence.receive(vault, tx, case, kind="media", source="https://example.org/p/1",
                            method="upload", data=data, media_type="image/png",
                            name="placeholder.png", **more)  # fmt: skip


def opened(
    haven: Haven, item: Item | str, actor: Actor = ME, now: datetime = NOW
) -> Iterator[bytes]:
    with haven.db.begin(actor, now) as tx:
        return evidence.read(haven.vault, tx, item, "check")


def kinds(haven: Haven, item: Item) -> list[str]:
    with haven.db.read() as tx:
        return [one.kind for one in evidence.custody(tx, item.id)]
