"""Making a packet: what is handed out is written down first, then proven, then packed."""

import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from openhaven import ledger
from openhaven.core import Actor, Problem
from openhaven.evidence import actions, store
from openhaven.evidence.model import Item
from openhaven.evidence.packet import case as caseuco
from openhaven.evidence.packet import model
from openhaven.evidence.packet.envelope import Envelope
from openhaven.evidence.packet.stamping import Stamp, Stamper
from openhaven.evidence.vault import Vault
from openhaven.evidence.whole import whole
from openhaven.ledger import Signer
from openhaven.ledger.model import canonical_row
from openhaven.ledger.store import entry as entry_of
from openhaven.ledger.store import sealed_rows
from openhaven.storage import Tx

# By the table that an entry sealed, under the name of then.
_TABLES = ("evidence_items", "custody_events", "holds")
_TRIES = 10


def released_to(tx: Tx, case: str, to: str, reference: str) -> list[Item]:
    """Write down that the living items of a case go to somebody outside; return them."""
    living = [one for one in store.items(tx, case) if one.destroyed_at is None]
    if not living:
        raise Problem("evidence.none", "This case has no items that can be handed out.",
                      status=404, next_step="Look at its custody list.")  # fmt: skip
    for one in living:
        actions.released(tx, one, to, reference)
    return living


def export(
    vault: Vault,
    actor: Actor,
    case: str,
    target: Path,
    *,
    to: str,
    reference: str,
    sequence: Callable[[], int],
    signer: Signer,
    seal_for: Sequence[bytes] = (),
    stamper: Stamper | None = None,
) -> Stamp | None:
    """Write a packet of a case to `target`, which must not exist yet (mode 0600), whole or not.

    `to` and `reference` say who gets it and under which number of theirs. `sequence` gives the
    entries their place in the log. With public keys to `seal_for` (X25519, 32 bytes each) only who
    has one of the private ones opens it. Returns what came of the time stamp, where there is a
    `stamper`. Raises `Problem` as `evidence.read` does, and 409 when the target is there already.
    """
    with whole(target) as file:
        with vault.db.begin(actor) as tx:
            living = released_to(tx, case, to, reference)
            streams = {one.id: actions.read(vault, tx, one, "export") for one in living}
            known = [one.id for one in store.items(tx, case)]
        manifest, proofs = _proven(vault, case, known, sequence)
        text = model.to_bytes(manifest)
        stamp = None if stamper is None else stamper.stamp(text)
        parts = _parts(manifest, text, stamp, signer) | proofs
        with _sink(file, seal_for) as sink:
            _write(sink, parts, living, streams)
        return stamp


def _proven(
    vault: Vault, case: str, known: Collection[str], sequence: Callable[[], int]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest, and the receipt of each entry that it names.

    Somebody who looks at an item in the very moment makes an entry that has no place yet: then it
    is given one as well.
    """
    for left in reversed(range(_TRIES)):
        sequence()
        with vault.db.read() as tx:
            manifest = _manifest(tx, case, known)
            try:
                return manifest, {model.proof_of(one): ledger.receipt(tx, one).encode()
                                  for one in manifest["ledger"]}  # fmt: skip
            except Problem as problem:
                if problem.code != "ledger.waiting" or not left:
                    raise
    raise AssertionError("the last try returns or raises")


def _manifest(tx: Tx, case: str, known: Collection[str]) -> dict[str, Any]:
    """Return the manifest of a packet; what came after the `known` is not in it."""
    items = [one for one in store.items(tx, case) if one.id in known]
    custody = [one for one in store.custody_of_case(tx, case) if one.item in known]
    held = [one for one in store.holds(tx, case) if one.item is None or one.item in known]
    sealed = _sealed(tx, [one.id for one in items], [one.id for one in custody],
                     [one.id for one in held])  # fmt: skip
    return model.manifest_of(
        case=case, made_at=tx.now, items=items, custody=custody, holds=held,
        viewing=store.viewing_facts(tx, items), sealed=sealed,
    )  # fmt: skip


def _parts(
    manifest: dict[str, Any], text: bytes, stamp: Stamp | None, signer: Signer
) -> dict[str, bytes]:
    """Return everything of a packet but the files and the receipts."""
    parts = {
        model.README: model.READ_ME.encode(),
        model.MANIFEST: text,
        model.NOTE: signer.sign(model.note_text(text, stamp)).encode(),
        model.GRAPH: model.to_bytes(caseuco.graph(manifest)),
    }
    return parts | ({model.STAMP: stamp.answer} if stamp and stamp.answer else {})


def _sealed(tx: Tx, *ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return, by ledger entry, the row that it seals (canonical) and the salt under which."""
    sql = """SELECT id, row_id, salt FROM ledger_entries WHERE row_id = ANY(%(ids)s)
             AND row_table LIKE %(t)s ORDER BY idx"""
    found: dict[str, dict[str, Any]] = {}
    for table, rows in zip(_TABLES, ids, strict=True):
        for row in tx.rows(sql, ids=rows, t=f"{table}%"):
            told = entry_of(tx, str(row["id"]))
            if told is None or told.row_table is None or row["salt"] is None:
                continue
            plain = sealed_rows(tx, told.row_table, [str(row["row_id"])])[str(row["row_id"])]
            found[told.id] = {
                "row": f"{told.row_table}:{row['row_id']}",
                "salt": bytes(row["salt"]).hex(),
                "sealed": canonical_row(plain).decode(),
            }
    return found


@contextmanager
def _sink(file: IO[bytes], seal_for: Sequence[bytes]) -> Iterator[IO[bytes]]:
    """Give something to write the packet to, which seals it where somebody is named for it."""
    if not seal_for:
        yield file
        return
    envelope = Envelope(file, seal_for)
    yield cast(IO[bytes], envelope)
    envelope.close()


def _write(
    sink: IO[bytes], parts: dict[str, bytes], items: list[Item], streams: dict[str, Iterator[bytes]]
) -> None:
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
        for item in items:
            with packed.open(model.path_of(item), "w", force_zip64=True) as file:
                for piece in streams[item.id]:
                    file.write(piece)
