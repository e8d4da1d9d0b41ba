"""Reads drafts, what was said of them, and what was in force when."""

from collections.abc import Iterable

import msgspec

from openhaven.core import Problem
from openhaven.policy.publishing.model import UNENDED, Draft, Review, Standing
from openhaven.storage import Tx

_DRAFT = """SELECT d.id, d.title, d.fingerprint, d.based_on, d.owner, s.name AS owner_name,
                   d.authors, d.version, d.state, d.tried, d.backtest, d.created_at, d.updated_at,
                   d.proposed_at, d.ended_at
            FROM pack_drafts d JOIN staff s ON s.id = d.owner """
_REVIEW = """SELECT r.id, r.draft, r.fingerprint, r.said, r.staff, s.name AS staff_name, r.alone,
                    r.reason, r.at
             FROM pack_reviews r JOIN staff s ON s.id = r.staff """
_STANDING = """SELECT f.seq, f.id, f.after, f.pack, p.name, p.version, f.how, r.draft, f.review,
                      f.restores, coalesce(r.alone, false) AS alone, f.backtest, f.reason,
                      f.by_whom, f.at
               FROM packs_in_force f JOIN packs p ON p.fingerprint = f.pack
               LEFT JOIN pack_reviews r ON r.id = f.review """


class _Files(msgspec.Struct):
    files: dict[str, str]


class Newest(msgspec.Struct, frozen=True):
    """The last row of what is in force: its number and the fingerprint of its pack."""

    seq: int
    pack: str


def newest(tx: Tx) -> Newest | None:
    """Return which pack is in force; None in a database that nobody has started on yet."""
    return tx.one("SELECT seq, pack FROM packs_in_force ORDER BY seq DESC LIMIT 1", Newest)


def standing(tx: Tx) -> Standing:
    """Return what is in force, and how it came to be. Raises `Problem` (409) before the start."""
    found = tx.one(_STANDING + "ORDER BY f.seq DESC LIMIT 1", Standing)
    if found is None:
        raise Problem("policy.none", "Nothing is in force here yet.", status=409,
                      next_step="Start Openhaven once; the pack of the settings comes into force.",
                      )  # fmt: skip
    return found


def history(tx: Tx, limit: int = 100) -> list[Standing]:
    """Return what was in force, the newest first."""
    return tx.all(_STANDING + "ORDER BY f.seq DESC LIMIT %(limit)s", Standing, limit=limit)


def was_in_force(tx: Tx, fingerprint: str) -> bool:
    """Say whether this pack is or was in force here."""
    sql = "SELECT 1 FROM packs_in_force WHERE pack = %(f)s LIMIT 1"
    return tx.value(sql, f=fingerprint) is not None


def before(tx: Tx, now: Standing) -> Standing | None:
    """Return what a roll-back of `now` restores: what was in force before it, and differs.

    A pack that was itself restored stands where it stood first, so that a second roll-back goes one
    further back instead of forth again.
    """
    rows = {row.seq: row for row in tx.all(_STANDING, Standing)}
    seq: int | None = now.seq
    while seq is not None:
        row = rows[seq]
        while row.restores is not None:
            row = rows[row.restores]
        if row.pack != now.pack:
            return row
        seq = row.after
    return None


def last_with(tx: Tx, fingerprint: str) -> Standing:
    """Return the last time that this pack was in force; `fingerprint` may be cut short.

    Raises `Problem` (404) when it never was, or when more than one pack begins so.
    """
    begin = fingerprint if fingerprint.startswith("sha256:") else f"sha256:{fingerprint}"
    sql = _STANDING + "WHERE starts_with(f.pack, %(begin)s) ORDER BY f.seq DESC"
    found = tx.all(sql, Standing, begin=begin)
    if len({row.pack for row in found}) != 1:
        raise Problem("policy.unknown", "No single pack that was in force begins like this.",
                      begin[:80], status=404,
                      next_step="See what was with: openhaven pack log")  # fmt: skip
    return found[0]


def draft(tx: Tx, draft_id: str, *, lock: bool = False) -> Draft:
    """Return a draft, locked until the end of the transaction if wanted; raises `Problem` (404)."""
    sql = _DRAFT + "WHERE d.id = %(id)s" + (" FOR UPDATE OF d" if lock else "")
    found = tx.one(sql, Draft, id=draft_id)
    if found is None:
        raise Problem("draft.missing", "There is no such draft.", status=404,
                      next_step="See the open ones with: openhaven pack drafts")  # fmt: skip
    return found


def files_of(tx: Tx, draft_id: str) -> dict[str, str]:
    """Return the files of a draft by name."""
    sql = "SELECT files FROM pack_drafts WHERE id = %(id)s"
    found = tx.one(sql, _Files, id=draft_id)
    return found.files if found else {}


def files_of_pack(tx: Tx, fingerprint: str) -> dict[str, str]:
    """Return the files of a pack that was in force, by name; none when it never was."""
    sql = "SELECT files FROM packs WHERE fingerprint = %(f)s"
    found = tx.one(sql, _Files, f=fingerprint)
    return found.files if found else {}


def drafts(tx: Tx, *, ended: bool = False, limit: int = 100) -> list[Draft]:
    """Return the drafts that are under way, the latest first; with `ended` the others, too."""
    sql = (
        _DRAFT
        + """WHERE %(ended)s OR d.state = ANY(%(open)s)
                      ORDER BY d.updated_at DESC, d.id LIMIT %(limit)s"""
    )
    return tx.all(sql, Draft, ended=ended, open=list(UNENDED), limit=limit)


def review_of(tx: Tx, draft_id: str) -> Review | None:
    """Return the last that was said of a draft, if anybody did."""
    sql = _REVIEW + "WHERE r.draft = %(d)s ORDER BY r.at DESC, r.id DESC LIMIT 1"
    return tx.one(sql, Review, d=draft_id)


def backtest_of(tx: Tx, fingerprint: str, wanted: str = "") -> str | None:
    """Return the id of a finished back-test of this very pack: `wanted`, or the latest, or None.

    Raises `Problem` (422) when the one that is wanted is of another pack, not finished, or missing.
    """
    sql = """SELECT id FROM backtests WHERE pack = %(f)s AND state = 'done'
               AND (%(wanted)s = '' OR id = %(wanted)s)
             ORDER BY created_at DESC LIMIT 1"""
    found = tx.value(sql, f=fingerprint, wanted=wanted)
    if wanted and found is None:
        raise Problem("draft.backtest", "This is no finished back-test of this draft.",
                      "A back-test counts for exactly the files that it tried.", status=422,
                      next_step="Back-test the draft as it stands, or leave it out.",
                      )  # fmt: skip
    return None if found is None else str(found)


def others_may_publish(tx: Tx, staff: str) -> bool:
    """Say whether anybody but `staff` works here who may publish."""
    sql = """SELECT 1 FROM staff WHERE id <> %(s)s AND disabled_at IS NULL
               AND roles && policy_publishers() LIMIT 1"""
    return tx.value(sql, s=staff) is not None


def names(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of members of staff by id; who is none has no name."""
    rows = tx.rows("SELECT id, name FROM staff WHERE id = ANY(%(ids)s)", ids=sorted(set(ids)))
    return {row["id"]: row["name"] for row in rows}
