"""Verbs of evidence: receive, read, view, release, hold, and let go.

Each is written down twice in the caller's transaction, as a row and as a ledger entry, before any
byte of an item is handed out.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.evidence import sealing, store
from openhaven.evidence.model import TOOL, VAULT, Check, Item, Kind, Rendering
from openhaven.evidence.opening import may_open
from openhaven.evidence.stores import PIECE
from openhaven.evidence.vault import Vault
from openhaven.storage import Tx

Bytes = bytes | Path
# The lock of who wraps keys for officers (shared), and of who changes who they are.
OFFICERS = "evidence.officers"


# Receiving ------------------------------------------------------------------------------------


def receive(
    vault: Vault,
    tx: Tx,
    case: str,
    *,
    kind: Kind,
    source: str,
    method: str,
    data: Bytes,
    media_type: str,
    name: str,
    media: str | None = None,
    parent: str | None = None,
) -> Item:
    """Hash, seal and store bytes (or the file at a path) as an item of a case; return the item.

    `source` says where they come from (an address, an id), `method` how they were captured, `name`
    what they are called; `media` is the platform's media that they are a copy of. The sealed bytes
    are durable before the row exists: a crash leaves at most bytes that nobody can open. A path is
    read twice, so that a file of any size needs no memory. Raises `Problem` 404 for an unknown
    case, 409 when the file changes meanwhile or cannot be read.
    """
    if not tx.value("SELECT 1 FROM cases WHERE id = %(c)s", c=case):
        raise Problem("case.unknown", "There is no such case.", status=404)
    item_id, key = new_id("evi"), sealing.fresh_key()
    try:
        named, md5 = _hashed(item_id, data)
        blob, sealed = vault.store.put(sealing.seal(_parts(data), key, named))
    except (OSError, sealing.SealError) as error:
        raise Problem(
            "evidence.file", "The file could not be taken in as it was.", str(error), status=409,
            next_step="See that it is there and that nothing writes to it, and try again.",
        ) from error  # fmt: skip
    about = msgspec.json.encode(store.About(name, source))
    tx.run(
        """INSERT INTO evidence_items (id, case_id, kind, sha256, md5, bytes, media_type, method,
             tool, media, parent, blob, sealed_bytes, received_at, received_by, about)
           VALUES (%(id)s, %(case)s, %(kind)s, %(sha256)s, %(md5)s, %(bytes)s, %(type)s, %(method)s,
             %(tool)s, %(media)s, %(parent)s, %(blob)s, %(sealed)s, %(now)s, %(by)s, %(about)s)""",
        id=item_id, case=case, kind=kind, sha256=named.sha256, md5=md5, bytes=named.size,
        type=media_type, method=method, tool=TOOL, media=media, parent=parent, blob=blob,
        sealed=sealed, now=tx.now, by=str(tx.actor),
        about=tx.keys.seal(store.subject_of(item_id), about),
    )  # fmt: skip
    _wrap_for_all(vault, tx, item_id, key)
    ids = {"item": item_id, "case": case}
    ledger.append(tx, "evidence.sealed", ids, row=("evidence_items", item_id))
    touch(tx, item_id, "received", method)
    if parent is not None:
        touch(tx, parent, "derived", method)
    return store.item(tx, item_id)


def _hashed(item_id: str, data: Bytes) -> tuple[sealing.Named, bytes]:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    for part in _parts(data):
        sha256.update(part)
        md5.update(part)
        size += len(part)
    return sealing.Named(item_id, sha256.digest(), size), md5.digest()


def _parts(data: Bytes) -> Iterator[bytes]:
    if isinstance(data, bytes):
        for at in range(0, len(data), PIECE):
            yield data[at : at + PIECE]
        return
    with open(data, "rb") as file:
        while part := file.read(PIECE):
            yield part


def _wrap_for_all(vault: Vault, tx: Tx, item: str, key: bytes) -> None:
    # Whoever names or removes an officer waits for this, so that no item is missed by either.
    tx.run("SELECT pg_advisory_xact_lock_shared(hashtextextended(%(n)s, 0))", n=OFFICERS)
    publics = {VAULT: vault.public} | {one.id: one.public for one in store.officers(tx)}
    for officer, public in publics.items():
        put_key(tx, item, officer, sealing.wrap(key, public, item))


def put_key(tx: Tx, item: str, officer: str, wrapped: bytes) -> None:
    """Store the key of an item as it is wrapped for an officer, unless the item was destroyed."""
    # Waits for who destroys it at this moment: a key that came after would undo the destruction.
    sql = """WITH living AS (SELECT id FROM evidence_items
               WHERE id = %(i)s AND destroyed_at IS NULL FOR SHARE)
             INSERT INTO evidence_keys (item, officer, wrapped)
             SELECT id, %(o)s, %(w)s FROM living ON CONFLICT (item, officer) DO NOTHING"""
    tx.run(sql, i=item, o=officer, w=wrapped)


# Touching -------------------------------------------------------------------------------------


def touch(
    tx: Tx,
    item: str,
    kind: str,
    purpose: str,
    *,
    reference: str = "",
    rendering: Rendering | None = None,
    whole: bool | None = None,
    exif: bool | None = None,
) -> str:
    """Write down a touch of an item, with its ledger entry; return the id of the custody event."""
    event = new_id("cus")
    tx.run(
        """INSERT INTO custody_events (id, item, kind, purpose, actor, at, rendering, whole, exif,
             reference)
           VALUES (%(id)s, %(item)s, %(kind)s, %(purpose)s, %(actor)s, %(now)s, %(rendering)s,
             %(whole)s, %(exif)s, %(reference)s)""",
        id=event, item=item, kind=kind, purpose=purpose, actor=str(tx.actor), now=tx.now,
        rendering=rendering, whole=whole, exif=exif, reference=reference,
    )  # fmt: skip
    ids = {"item": item, "custody": event}
    ledger.append(tx, f"evidence.{kind}", ids, row=("custody_events", event))
    return event


def read(vault: Vault, tx: Tx, item: Item | str, purpose: str) -> Iterator[bytes]:
    """Open an item: write down who does and why, and return its bytes piece by piece.

    The custody event comes first. So nothing is yielded before the transaction `tx` has been
    committed: take the iterator within it and read from it afterwards. Who of the staff opens an
    item needs the permission `evidence.open`, and for what may be the sexual exploitation of a
    child a second person's word where there is a second person. Raises `Problem`: 403, 404, 409
    when a second person has to agree first, 410 when the item was destroyed; on reading 500 when
    the sealed bytes are gone, altered, or were read too early.
    """
    found = store.item(tx, item if isinstance(item, str) else item.id)
    may_open(tx, found)
    key = _key_of(vault, tx, found)
    event = touch(tx, found.id, "opened", purpose)
    return unsealed(vault, found, key, event)


def _key_of(vault: Vault, tx: Tx, item: Item) -> bytes:
    if item.destroyed_at is not None:
        raise Problem("evidence.destroyed", "This item was destroyed.", status=410,
                      next_step="Its custody list says when, and why.")  # fmt: skip
    sql = "SELECT wrapped FROM evidence_keys WHERE item = %(i)s AND officer = %(o)s"
    wrapped = tx.value(sql, i=item.id, o=VAULT)
    if wrapped is None:
        raise Problem("evidence.officers", "Only its officers can open this item.", status=409,
                      next_step="Make a sealed packet, which an officer opens.")  # fmt: skip
    return sealing.unwrap(bytes(wrapped), vault.key, item.id)


def unsealed(vault: Vault, item: Item, key: bytes, event: str) -> Iterator[bytes]:
    """Yield an item's bytes once the custody event that tells of it has been committed."""
    with vault.db.read() as seen:
        if not seen.value("SELECT 1 FROM custody_events WHERE id = %(e)s", e=event):
            raise Problem("evidence.early", "The item was read before its entry was stored.",
                          status=500, next_step="This is a defect: please report it.")  # fmt: skip
    named = sealing.Named(item.id, item.sha256, item.bytes)
    try:
        yield from sealing.unseal(vault.store.parts(item.blob), key, named)
    except sealing.SealError as error:
        raise Problem("evidence.altered", "The sealed file is not what was stored.", str(error),
                      status=500, next_step="Restore it from a backup, and find out who altered "
                      "it.") from error  # fmt: skip


def viewed(
    tx: Tx, item: Item | str, rendering: Rendering, exif_shown: bool, *, whole: bool = True
) -> str:
    """Write down that the actor is shown an item; return the id of the custody event.

    `rendering` is how: `veiled`, `grey`, `colour` or `original`; `exif_shown` whether with its
    camera data, `whole` whether all of it and not a part or a still.
    """
    item_id = item if isinstance(item, str) else item.id
    return touch(tx, item_id, "viewed", "review", rendering=rendering, whole=whole, exif=exif_shown)


def released(tx: Tx, item: Item | str, to: str, reference: str) -> str:
    """Write down that an item was given to somebody outside: `to` whom, under which `reference`."""
    item_id = item if isinstance(item, str) else item.id
    return touch(tx, item_id, "released", to, reference=reference)


# Checking -------------------------------------------------------------------------------------


def note_check(tx: Tx, items: int, lost: Sequence[str], strays: int) -> Check:
    """Store what comparing the store with the items has found; return it."""
    check = new_id("chk")
    tx.run("""INSERT INTO evidence_checks (id, at, items, lost, strays)
              VALUES (%(id)s, %(now)s, %(items)s, %(lost)s, %(strays)s)""",
           id=check, now=tx.now, items=items, lost=list(lost), strays=strays)  # fmt: skip
    if lost or strays:
        ids = {"check": check, "lost": str(len(lost)), "strays": str(strays)}
        ledger.append(tx, "evidence.store_differs", ids)
    tx.wake("console")
    return Check(tx.now, items, tuple(lost), strays)
