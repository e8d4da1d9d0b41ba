"""Reads packs as they were when they were in force."""

from collections.abc import Mapping

import msgspec

from openhaven.core import Problem
from openhaven.policy.clauses import read_all_clauses
from openhaven.policy.includes import in_order
from openhaven.policy.load import load_texts
from openhaven.policy.model import Clause
from openhaven.policy.pack import Pack
from openhaven.policy.translations import translated
from openhaven.storage import Tx

_KEPT = "SELECT 1 FROM packs WHERE fingerprint = %(fingerprint)s"
_MOST = 20
_READ: dict[str, Mapping[str, Clause]] = {}


class _Files(msgspec.Struct):
    files: dict[str, str]


def clause_as_it_stood(tx: Tx, fingerprint: str, anchor: str) -> Clause:
    """Return a clause as it stood in the pack with this fingerprint.

    Raises `Problem` (`pack.missing`, `clause.missing`) when there is no such pack or clause.
    """
    clause = _clauses(tx, fingerprint).get(anchor)
    if clause is None:
        raise Problem(
            "clause.missing",
            f"That pack has no clause “{anchor[:80]}”.",
            status=404,
            next_step="Choose one of the clauses of the pack.",
        )
    return clause


def _clauses(tx: Tx, fingerprint: str) -> Mapping[str, Clause]:
    """Return all clauses of the pack with this fingerprint, by anchor; raises as above.

    They are read once: what has this fingerprint never changes.
    """
    known = _READ.get(fingerprint)
    if known is not None and tx.value(_KEPT, fingerprint=fingerprint):
        return known
    texts = _files(tx, fingerprint)
    order = in_order(texts, [])
    clauses = translated(texts, order, read_all_clauses(texts, order, []), [], [])
    for oldest in list(_READ)[: len(_READ) - _MOST + 1] if len(_READ) >= _MOST else ():
        _READ.pop(oldest, None)
    _READ[fingerprint] = clauses
    return clauses


def pack_as_it_stood(tx: Tx, fingerprint: str) -> Pack:
    """Return the whole pack with this fingerprint, checked and compiled again.

    Raises `Problem` (`pack.missing`) when it was never kept here.
    """
    return load_texts(_files(tx, fingerprint), kept=True)


def _files(tx: Tx, fingerprint: str) -> dict[str, str]:
    sql = "SELECT files FROM packs WHERE fingerprint = %(fingerprint)s"
    row = tx.one(sql, _Files, fingerprint=fingerprint)
    if row is None:
        raise Problem(
            "pack.missing",
            "This policy pack was never in force here.",
            fingerprint[:80],
            status=404,
            next_step="The fingerprint stands in every verdict; look it up there.",
        )
    return row.files
