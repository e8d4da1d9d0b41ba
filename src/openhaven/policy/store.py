"""Reads packs as they were when they were in force."""

import msgspec

from openhaven.policy.clauses import read_clauses
from openhaven.policy.load import load_texts
from openhaven.policy.model import Clause
from openhaven.policy.pack import Pack
from openhaven.policy.places import Source
from openhaven.storage import Tx


class _Files(msgspec.Struct):
    files: dict[str, str]


def clause_as_it_stood(tx: Tx, fingerprint: str, anchor: str) -> Clause | None:
    """Return a clause as it stood in the pack with this fingerprint, or None if there is none."""
    found = _files(tx, fingerprint)
    if found is None:
        return None
    return read_clauses(Source("policy.md", found["policy.md"]), []).get(anchor)


def pack_as_it_stood(tx: Tx, fingerprint: str) -> Pack | None:
    """Return the whole pack with this fingerprint, compiled again, or None if it was never kept."""
    found = _files(tx, fingerprint)
    return None if found is None else load_texts(found)


def _files(tx: Tx, fingerprint: str) -> dict[str, str] | None:
    sql = "SELECT files FROM packs WHERE fingerprint = %(fingerprint)s"
    row = tx.one(sql, _Files, fingerprint=fingerprint)
    return None if row is None else row.files
