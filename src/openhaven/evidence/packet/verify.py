"""Checking a packet with nothing but the log's public key: no database, no network."""

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from openhaven import ledger
from openhaven.evidence.packet import case as caseuco
from openhaven.evidence.packet import model, stamping
from openhaven.ledger.model import commit
from openhaven.ledger.note import NoteError, open_note

_PIECE = 1 << 20
_MOST = 64_000_000
# What reading a ZIP file raises whose directory, kinds of compression or names were altered.
_BROKEN = (zipfile.BadZipFile, KeyError, EOFError, RuntimeError, OSError, ValueError, zlib.error)


class Faulty(ValueError):  # noqa: N818 (what is said of the packet)
    """A packet that does not hold, with the reason."""


class Verified(msgspec.Struct, frozen=True):
    """What a packet that holds shows."""

    case: str
    made_at: str
    files: int
    entries: int
    origin: str
    # What is to be said of its time stamp; empty where none was asked for.
    stamp: str = ""


def verify(packet: Path, vkey: str, roots: Sequence[x509.Certificate] = ()) -> Verified:
    """Check every part of a packet; raises `Faulty` with the first thing that is wrong.

    `roots` are certificates under which a time stamp is checked.

    Checked are the signature over the manifest, each file against its size, SHA-256 and MD5, that
    no file is missing or added, that each receipt leads to a head that the log signed, and that
    each entry seals exactly what the manifest says.
    """
    try:
        with zipfile.ZipFile(packet) as packed:
            return _verified(packed, vkey, roots)
    except Faulty:
        raise
    except _BROKEN as error:
        raise Faulty(f"it is no packet, or parts of it are missing ({error})") from error


def _verified(packed: zipfile.ZipFile, vkey: str, roots: Sequence[x509.Certificate]) -> Verified:
    text = _read(packed, model.MANIFEST)
    try:
        signed = open_note(_read(packed, model.NOTE), vkey)
    except NoteError as error:
        raise Faulty(f"the signature does not hold: {error}") from error
    if not signed.startswith(model.note_text(text)):
        raise Faulty("the manifest is not the one that was signed")
    stamp = _stamp(packed, text, signed.removeprefix(model.note_text(text)), roots)
    manifest: dict[str, Any] = msgspec.json.decode(text)
    if _read(packed, model.GRAPH) != model.to_bytes(caseuco.graph(manifest)):
        raise Faulty("case.jsonld does not say what the manifest says")
    _check_names(packed, manifest, stamped=signed.count(f"\n{model.STAMPED}") == 1)
    files = [one for one in manifest["items"] if one["path"]]
    for item in files:
        _check_file(packed, item)
    origin = ""
    for entry, sealed in manifest["ledger"].items():
        origin = _check_entry(packed, entry, sealed, vkey)
    _check_told(manifest)
    return Verified(manifest["case"], manifest["made_at"], len(files), len(manifest["ledger"]),
                    origin, stamp)  # fmt: skip


def _read(packed: zipfile.ZipFile, name: str) -> bytes:
    if packed.getinfo(name).file_size > _MOST:
        raise Faulty(f"{name} is too large")
    return packed.read(name)


def _stamp(
    packed: zipfile.ZipFile, text: bytes, line: str, roots: Sequence[x509.Certificate]
) -> str:
    """Check the time stamp that the signed note tells of; return what is to be said of it."""
    if not line:
        return ""
    if line.startswith(model.UNSTAMPED):
        return f"It has no time stamp by somebody else: {line.removeprefix(model.UNSTAMPED)[:-1]}."
    answer = _read(packed, model.STAMP)
    if line != f"{model.STAMPED}{hashlib.sha256(answer).hexdigest()}\n":
        raise Faulty("the time stamp is not the one that was signed")
    if not stamping.can_check():
        return ("Its time stamp was NOT checked: run pip install 'openhaven[timestamps]', or check "
                f"{model.STAMP} with openssl ts -verify.")  # fmt: skip
    try:
        at = stamping.checked(answer, text, roots)
    except stamping.StampError as error:
        raise Faulty(f"its time stamp does not hold: {error}") from error
    if not roots:
        return (f"Its time stamp says {at:%Y-%m-%d %H:%M:%S} UTC. Who made it was NOT checked: "
                "name the root of the service with --roots.")  # fmt: skip
    return (
        f"It was there at {at:%Y-%m-%d %H:%M:%S} UTC, as the service behind these roots stamped it."
    )


def _check_names(packed: zipfile.ZipFile, manifest: dict[str, Any], *, stamped: bool) -> None:
    wanted = {model.README, model.MANIFEST, model.NOTE, model.GRAPH}
    wanted |= {model.STAMP} if stamped else set()
    wanted |= {one["path"] for one in manifest["items"] if one["path"]}
    wanted |= {model.proof_of(entry) for entry in manifest["ledger"]}
    names = packed.namelist()
    if len(names) != len(set(names)) or set(names) != wanted:
        odd = sorted(set(names) ^ wanted)
        raise Faulty(f"files are missing, added or doubled: {', '.join(odd[:5])}")


def _check_file(packed: zipfile.ZipFile, item: dict[str, Any]) -> None:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with packed.open(item["path"]) as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
            md5.update(piece)
            size += len(piece)
    if (sha256.hexdigest(), md5.hexdigest(), size) != (item["sha256"], item["md5"], item["bytes"]):
        raise Faulty(f"{item['path']} is not the file that was received")


def _check_entry(packed: zipfile.ZipFile, entry: str, sealed: dict[str, Any], vkey: str) -> str:
    """Check that the log holds an entry that seals this row; return the log's name."""
    try:
        proven = ledger.check_receipt(_read(packed, model.proof_of(entry)).decode(), vkey)
        tag = commit(bytes.fromhex(sealed["salt"]), sealed["sealed"].encode()).hex()
    except (ledger.ProofError, ValueError) as error:
        raise Faulty(f"the receipt of {entry} does not hold: {error}") from error
    fields = proven.fields
    if (fields.get("id"), fields.get("row"), fields.get("commitment")) != (
        entry, sealed["row"], tag):  # fmt: skip
        raise Faulty(f"{entry} in the log seals something else than the manifest says")
    return proven.checkpoint.origin


def _check_told(manifest: dict[str, Any]) -> None:
    """Check that the manifest tells of items and custody what the sealed rows say."""
    rows = {sealed["row"].partition(":")[2]: msgspec.json.decode(sealed["sealed"])
            for sealed in manifest["ledger"].values()}  # fmt: skip
    for one in manifest["custody"]:
        row = rows.get(one["id"])
        if row is None or any(one[name] != value for name, value in row.items()):
            raise Faulty(f"custody event {one['id']} is not as the log has it")
    for one in manifest["items"]:
        row = rows.get(one["id"])
        if row is None and one["destroyed_at"]:
            continue
        if row is None or (row["sha256"], row["bytes"]) != (_base64(one["sha256"]), one["bytes"]):
            raise Faulty(f"item {one['id']} is not as the log has it")


def _base64(text: str) -> str:
    return str(msgspec.to_builtins(bytes.fromhex(text)))
