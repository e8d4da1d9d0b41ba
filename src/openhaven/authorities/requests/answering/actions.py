"""Verbs of answering: make the packet of what was agreed on, seal it, and note who fetched it.

What is given is read in one transaction, in which every touch of evidence is written down; it is
sealed outside of it, and stored in a second one, which sees that nothing was changed meanwhile.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from openhaven import evidence, ledger
from openhaven.authorities.requests import store
from openhaven.authorities.requests.actions import locked, require_genuine, step
from openhaven.authorities.requests.answering import packing
from openhaven.authorities.requests.gather import evidence_in, gather, require_room
from openhaven.authorities.requests.keys import key_digest, seal_to
from openhaven.authorities.requests.model import Request, Wanted, after
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.requests.telling.actions import intend
from openhaven.core import Actor, Problem, new_id
from openhaven.core.words import mark
from openhaven.evidence import Vault
from openhaven.ledger import Signer
from openhaven.storage import Blobs, Tx

# So long a sealed packet can be fetched; then we have it no more.
FETCHED_FOR = timedelta(days=30)


class Says(msgspec.Struct, frozen=True):
    """Who gives: the service's name and its address."""

    service: str
    url: str


def produce(
    vault: Vault,
    blobs: Blobs,
    signer: Signer,
    actor: Actor,
    request: str,
    says: Says,
    now: datetime | None = None,
) -> str:
    """Give what was agreed on: sealed to the authority's key; return the delivery's id.

    Raises `Problem`: 403 by role, 409 when nothing was agreed on, no key is known, nothing is held,
    or somebody changed the request meanwhile; and what `evidence.read` raises.
    """
    with vault.db.begin(actor, now) as tx:
        found, wanted = _ready(tx, request)
        reference = store.asked(tx, request).reference
        files = gather(tx, blobs, wanted) | _attached(tx, request)
        streams = _evidence(vault, tx, wanted, request)
    files |= {name: b"".join(parts) for name, parts in streams.items()}
    if not files:
        raise Problem("request.nothing", "Nothing of what was agreed on is held here.", status=409,
                      next_step="Refuse it with the ground that it is not held.")  # fmt: skip
    with vault.db.begin(actor, now) as tx:
        same, _ = _ready(tx, request)
        if (same.scope, same.key) != (found.scope, found.key):
            raise Problem("request.meanwhile", "Somebody changed it meanwhile.", status=409,
                          next_step="Look at it again.")  # fmt: skip
        parts = _with_manifest(found, reference, wanted, files, signer, says, tx.now)
        return _deliver(tx, found, wanted, packing.packed(parts), len(files))


def _ready(tx: Tx, request: str) -> tuple[Request, Wanted]:
    only_handlers(tx)
    found = locked(tx, request)
    after(found.state, "produce", found.of)
    require_genuine(tx, found)
    if found.key is None or found.scope is None:
        raise Problem("request.key_missing", "No key of the authority is known.", status=409,
                      next_step="Nothing is given unsealed: ask for its certificate.",
                      )  # fmt: skip
    wanted = store.scope(tx, found.scope).wanted
    if wanted is None:
        raise Problem("request.forgotten", "This was destroyed when its time was over.", status=410)
    return found, wanted


def _attached(tx: Tx, request: str) -> dict[str, bytes]:
    out = [one for one in store.files(tx, request) if one.side == "out"]
    require_room(one.bytes for one in out)
    return {f"attached/{one.id}": store.file_bytes(tx, request, one.id) for one in out}


def _evidence(vault: Vault, tx: Tx, wanted: Wanted, request: str) -> Mapping[str, Iterator[bytes]]:
    """Open the items that fall into the scope, each of them written down as released."""
    streams, items = {}, evidence_in(tx, wanted)
    require_room(one.bytes for one in items)
    for one in items:
        evidence.released(tx, one.id, "authority", request)
        streams[f"evidence/{one.id}"] = evidence.read(vault, tx, one.id, "lawful request")
    return streams


def _with_manifest(
    found: Request, reference: str, wanted: Wanted, files: Mapping[str, bytes], signer: Signer,
    says: Says, now: datetime,
) -> dict[str, bytes]:  # fmt: skip
    manifest = packing.manifest_of(found.id, reference, wanted, files, now)
    return {
        **files,
        "README.txt": packing.READ_ME.format(service=says.service, url=says.url).encode(),
        "manifest.json": manifest,
        "manifest.signed-note": signer.sign(packing.note_text(manifest)).encode(),
    }


def _deliver(tx: Tx, found: Request, wanted: Wanted, packet: bytes, files: int) -> str:
    assert found.key is not None
    assert found.key_kind is not None
    assert found.scope is not None
    made = new_id("rdl")
    sealed = seal_to(found.key_kind, found.key, packet, made)
    tx.run(
        """INSERT INTO request_deliveries (id, request, scope, key_kind, key_sha256, plain_sha256,
             sha256, bytes, files, made_at, made_by, until, body)
           VALUES (%(id)s, %(r)s, %(s)s, %(kind)s, %(key)s, %(plain)s, %(sha)s, %(n)s, %(files)s,
             %(now)s, %(by)s, %(until)s, %(body)s)""",
        id=made, r=found.id, s=found.scope, kind=found.key_kind, key=key_digest(found.key),
        plain=hashlib.sha256(packet).digest(), sha=hashlib.sha256(sealed).digest(), n=len(sealed),
        files=files, now=tx.now, by=str(tx.actor), until=tx.now + FETCHED_FOR, body=sealed,
    )  # fmt: skip
    ids = {"delivery": made, "request": found.id}
    ledger.append(tx, "request.delivered", ids, row=("request_deliveries", made))
    scope = store.scope(tx, found.scope)
    step(tx, found, "produce", part=scope.part, accounts=scope.accounts)
    intend(tx, found, wanted)
    return made


def packet_of(tx: Tx, request: str) -> tuple[str, str, bytes]:
    """Return id, kind of key and bytes of what was given, still sealed; raises `Problem` 404."""
    sql = """SELECT id, key_kind, body FROM request_deliveries
             WHERE request = %(r)s AND body IS NOT NULL AND until > %(now)s"""
    rows = tx.rows(sql, r=request, now=tx.now)
    if not rows:
        raise Problem("request.packet", mark("There is nothing under this code."), status=404)
    return str(rows[0]["id"]), str(rows[0]["key_kind"]), bytes(rows[0]["body"])


def fetched(tx: Tx, request: str) -> None:
    """Write down that the sealed packet was fetched, by staff or with the code."""
    sql = """UPDATE request_deliveries SET fetched_at = coalesce(fetched_at, %(now)s)
             WHERE request = %(r)s"""
    tx.run(sql, now=tx.now, r=request)
    ledger.append(tx, "request.packet_fetched", {"request": request})
