"""What a packet holds and how its parts are named. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

from openhaven.core import canonical
from openhaven.evidence.model import Custody, Hold, Item, Viewing
from openhaven.evidence.packet.stamping import Stamp
from openhaven.ledger.model import plain

MANIFEST = "manifest.json"
NOTE = "manifest.signed-note"
GRAPH = "case.jsonld"
LEDGER = "ledger/"
FILES = "files/"
STAMP = "manifest.tsr"
README = "README.txt"
HEADER = "openhaven evidence packet 1"
# What the signed note says of a time stamp that was asked for.
STAMPED = "time stamp sha256 "
UNSTAMPED = "no time stamp: "

READ_ME = """What this is
------------
A packet of evidence. `manifest.json` says what each file is, with its SHA-256 and MD5, who touched
it and when. `manifest.signed-note` is the operator's signature over the manifest (Ed25519, C2SP
signed-note). `ledger/` has a receipt for every entry of the operator's public log (C2SP tlog-proof)
that the manifest names. `case.jsonld` says the same as the manifest in the words of CASE/UCO.
`manifest.tsr`, where it is there, is the time that somebody else stamped on the manifest (RFC
3161); `openssl ts -verify` and the command below check it.

How to check it, without any connection
---------------------------------------
    openhaven evidence verify PACKET.zip --key VKEY

VKEY is the log's public key as the operator publishes it at /ledger/key. Ask for it by another way
than the one that brought you this packet.
"""


def path_of(item: Item) -> str:
    """Return the name of an item's file in a packet."""
    return f"{FILES}{item.id}"


def proof_of(entry: str) -> str:
    """Return the name of the receipt of a ledger entry in a packet."""
    return f"{LEDGER}{entry}.tlog-proof"


def manifest_of(
    *,
    case: str,
    made_at: Any,
    items: list[Item],
    custody: list[Custody],
    holds: list[Hold],
    viewing: Mapping[str, Viewing],
    sealed: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the manifest; `sealed` has, by ledger entry, what it seals and under which salt."""
    return {
        "case": case,
        "made_at": plain(made_at),
        "items": [_item(one, viewing[one.id]) for one in items],
        "custody": [{name: plain(getattr(one, name)) for name in one.__struct_fields__}
                    for one in custody],
        "holds": [{name: plain(getattr(one, name)) for name in one.__struct_fields__}
                  for one in holds],
        "ledger": {entry: dict(what) for entry, what in sealed.items()},
    }  # fmt: skip


def _item(item: Item, viewing: Viewing) -> dict[str, Any]:
    told = {name: plain(getattr(item, name)) for name in item.__struct_fields__
            if name not in ("sha256", "md5", "exploitation")}  # fmt: skip
    looks = [{"staff": look.staff, "at": plain(look.at), "rendering": look.rendering,
              "whole": look.whole, "exif": look.exif} for look in viewing.looks]  # fmt: skip
    return told | {
        "sha256": item.sha256.hex(),
        "md5": item.md5.hex(),
        "path": None if item.destroyed_at else path_of(item),
        "viewed": viewing.viewed,
        "exif_viewed": viewing.exif_viewed,
        "looks": looks,
    }


def note_text(manifest: bytes, stamp: Stamp | None = None) -> str:
    """Return the text that is signed for a manifest, and for what came of its time stamp."""
    return f"{HEADER}\n{hashlib.sha256(manifest).hexdigest()}\n{_stamp_line(stamp)}"


def _stamp_line(stamp: Stamp | None) -> str:
    if stamp is None:
        return ""
    if stamp.answer:
        return f"{STAMPED}{hashlib.sha256(stamp.answer).hexdigest()}\n"
    return UNSTAMPED + " ".join(stamp.why.split()) + "\n"


def to_bytes(value: Any) -> bytes:
    """Return the one canonical JSON of a manifest or graph."""
    return canonical(value)
