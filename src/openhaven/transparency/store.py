"""Counting what was done. Reads only."""

from datetime import date, datetime, timedelta

import msgspec

from openhaven.core import HARMS
from openhaven.core.words import mark
from openhaven.intake.flaggers import Flagger, flaggers
from openhaven.storage import Tx
from openhaven.transparency import asked, told
from openhaven.transparency.model import (
    SMALLEST,
    Figures,
    FlaggerFigures,
    Row,
    Rules,
    Table,
    Week,
    share,
    withhold,
)

WEEKS = 12
_OUTCOMES = {
    "allow": mark("No action after a look"),
    "warn": mark("Warning"),
    "restrict": mark("Restricted"),
    "remove": mark("Removed"),
    "block": mark("Refused before publication"),
    "suspend": mark("Account suspended"),
}
_MEASURES = {
    "own": mark("In the service's own way"),
    "age_gate": mark("Shown to adults only"),
    "demote": mark("Shown to fewer people"),
    "label": mark("Marked with a note"),
    "no_interaction": mark("Closed for answers and sharing"),
    "monetary": mark("Payments stopped"),
    "service": mark("A part of the service closed"),
}
# Held back is not yet restricted.
_RESTRICTED = "decisions WHERE outcome = 'restrict' AND left(decided_by, 5) <> 'held:'"
_AUTOMATION = {
    "fully": mark("Decided by a rule, without a person"),
    "partially": mark("Prepared by a rule, decided by a person"),
    "not": mark("Decided by a person"),
}
_DETECTION = {"true": mark("Found by automated means"), "false": mark("Found by people")}
_APPEALS = {
    "open": mark("Being looked at"),
    "upheld": mark("Upheld: the decision was overturned"),
    "rejected": mark("Rejected: the decision stayed"),
    "withdrawn": mark("Ended: the person asked to be forgotten"),
}
_AGES = {
    "open": mark("Being looked at"),
    "granted": mark("A reviewer said which age counts"),
    "declined": mark("The age stayed as it was"),
}
_REMEMBERED = {
    "held": mark("Remembered for a while"),
    "intended": mark("About to be, if the platform says by what"),
}
_NEWCOMERS = {
    "strong": mark("More was the same than a household shares"),
    "household": mark("Only what a household may share was the same"),
    "unknown": mark("Could not be looked up"),
}
_LET_GO = {
    "overturned": mark("The decision was overturned"),
    "strike": mark("The strike was lifted"),
    "expired": mark("Its time had passed"),
    "unanswered": mark("The platform did not say by what"),
    "erased": mark("The person asked to be forgotten"),
    "agreement": mark("The agreement with another operator ended"),
}
_REPORTS = {
    "received": mark("Received"),
    "in_review": mark("A person looks"),
    "decided": mark("Decided"),
    "closed": mark("Closed"),
}


def figures(tx: Tx, service: str) -> Figures:
    """Count everything that the transparency page shows, up to now."""
    tables = (
        _by_clause(tx),
        _fixed(tx, "outcome", mark("What was decided"), "outcome", "decisions", _OUTCOMES),
        _fixed(
            tx,
            "measure",
            mark("How something was restricted"),
            "coalesce(nullif(measure, ''), 'own')",
            _RESTRICTED,
            _MEASURES,
        ),
        _fixed(
            tx, "automation", mark("Who decided"), "automated_decision", "decisions", _AUTOMATION
        ),
        _fixed(
            tx,
            "detection",
            mark("How it was found"),
            "automated_detection",
            "decisions",
            _DETECTION,
        ),
        _by_category(tx),
        _fixed(tx, "report_state", mark("How far the reports are"), "state", "reports", _REPORTS),
        _weakened(tx),
        _by_law(tx),
        *told.tables(tx),
        _fixed(tx, "age_appeals", mark("Appeals against an age"), "state", "age_appeals", _AGES),
        *_returning(tx),
        _fixed(tx, "appeals", mark("Appeals"), "state", "appeals", _APPEALS),
    )
    appeals = {row.key: row.n for row in tables[-1].rows}
    return Figures(
        service=service,
        since=tx.value("SELECT min(decided_at) FROM decisions"),
        until=tx.now,
        tables=(*tables, *asked.tables(tx)),
        weeks=weeks(tx),
        orders=_orders(tx),
        median_hours=_median(tx, _FROM_EVENT),
        median_report_hours=_median(tx, _FROM_REPORT),
        overturned_share=share(appeals.get("upheld"), appeals.get("rejected")),
        median_filing_hours=told.median(tx),
        rules=tx.one(_RULES, Rules),
        flaggers=tuple(_flagger(one) for one in flaggers(tx)),
        not_independent=_shown(int(tx.value(_SAME))),
        requests=asked.figures(tx),
    )


# Nothing of it is about the people who are judged, so that no number is too small to be shown.
_RULES = """SELECT p.name, p.version, p.fingerprint, f.at AS since, n.by_two, n.alone, n.taken_back
            FROM packs_in_force f JOIN packs p ON p.fingerprint = f.pack,
                 (SELECT count(*) FILTER (WHERE NOT r.alone) AS by_two,
                         count(*) FILTER (WHERE r.alone) AS alone,
                         count(*) FILTER (WHERE i.how = 'rolled_back') AS taken_back
                  FROM packs_in_force i LEFT JOIN pack_reviews r ON r.id = i.review) n
            ORDER BY f.seq DESC LIMIT 1"""


_SAME = """SELECT (SELECT count(*) FROM appeals WHERE NOT independent)
                + (SELECT count(*) FROM approvals WHERE state = 'alone')"""


def _flagger(one: Flagger) -> FlaggerFigures:
    """Return how often a trusted flagger was right; a share that gives a small number away is not
    said.
    """
    decided = one.acted + one.not_acted
    small = any(0 < n < SMALLEST for n in (one.acted, one.not_acted, decided))
    precision = None if small or not decided else one.acted / decided
    return FlaggerFigures(one.name, _shown(decided), precision)


def _returning(tx: Tx) -> tuple[Table, ...]:
    """Count what is kept of ended accounts, who met it, and why it was let go of."""
    kept, met = mark("Ended accounts that are remembered"), mark("Newcomers who met that")
    return (
        _fixed(tx, "returning_kept", kept, "state", "returning_entries", _REMEMBERED),
        _fixed(tx, "returning_met", met, "strength", "returning_sightings", _NEWCOMERS),
        _fixed(tx, "returning_ended", mark("Ended accounts that are not remembered any more"),
               "reason", "returning_ends", _LET_GO),
    )  # fmt: skip


class _Count(msgspec.Struct, frozen=True):
    key: str
    n: int


class _Clause(msgspec.Struct, frozen=True):
    harm: str
    clause: str
    title: str
    n: int


def _by_clause(tx: Tx) -> Table:
    """Clauses and harms are one table: as two they would give each other's small counts away."""
    sql = """SELECT harm, clause, max(clause_title) AS title, count(*) AS n FROM decisions
             GROUP BY harm, clause ORDER BY n DESC, harm, clause"""
    counts = [
        (f"{one.clause}/{one.harm}", f"{one.title} ({_words(one.harm)})", one.n)
        for one in tx.all(sql, _Clause)
    ]
    return withhold("clause", mark("Under which clause, for which harm"), counts)


def _by_category(tx: Tx) -> Table:
    sql = """SELECT category AS key, count(*) AS n FROM reports
             GROUP BY category ORDER BY n DESC, category"""
    counts = [(one.key, _words(one.key), one.n) for one in tx.all(sql, _Count)]
    return withhold("reports", mark("What people reported"), counts)


def _weakened(tx: Tx) -> Table:
    """Count how often a protection of an account was opened, by which one it was."""
    sql = """SELECT feature AS key, count(*) AS n FROM protection_changes
             WHERE weaker AND role <> 'law' GROUP BY feature ORDER BY n DESC, feature"""
    counts = [(one.key, one.key, one.n) for one in tx.all(sql, _Count)]
    return withhold("weakened", mark("Protections that were opened"), counts)


def _by_law(tx: Tx) -> Table:
    """Count what the operator's own data opened for all; nobody is behind it, so none is small."""
    sql = """SELECT feature AS key, count(*) AS n FROM protection_changes WHERE role = 'law'
             GROUP BY feature ORDER BY n DESC, feature"""
    rows = tuple(Row(one.key, one.key, one.n) for one in tx.all(sql, _Count))
    title = mark("Protections that this service opened for everybody, as its law lets it")
    return Table("opened_by_law", title, rows, sum(row.n or 0 for row in rows))


def _words(harm: str) -> str:
    return HARMS[harm].words if harm in HARMS else harm


def _fixed(tx: Tx, name: str, title: str, column: str, table: str, labels: dict[str, str]) -> Table:
    """Count a column whose values are a closed list; a value that never occurred counts 0."""
    sql = f"SELECT {column}::text AS key, count(*) AS n FROM {table} GROUP BY 1"  # noqa: S608 (constants)
    found = {one.key: one.n for one in tx.all(sql, _Count)}
    return withhold(name, title, [(key, label, found.get(key, 0)) for key, label in labels.items()])


class _WeekRow(msgspec.Struct, frozen=True):
    first: date
    n: int


def weeks(tx: Tx) -> tuple[Week, ...]:
    """Return the last twelve weeks, the present one last; small ones are withheld.

    What came before counts as a row, too: the weeks add up to a total that stands on the same page.
    """
    monday = (tx.now - timedelta(days=tx.now.weekday())).date()
    since = monday - timedelta(weeks=WEEKS - 1)
    sql = """SELECT greatest(date_trunc('week', decided_at AT TIME ZONE 'UTC')::date,
                             %(before)s::date) AS first, count(*) AS n
             FROM decisions GROUP BY 1"""
    before = since - timedelta(weeks=1)
    found = {one.first: one.n for one in tx.all(sql, _WeekRow, before=before)}
    firsts = [before + timedelta(weeks=step) for step in range(WEEKS + 1)]
    table = withhold("weeks", "", [(day.isoformat(), "", found.get(day, 0)) for day in firsts])
    counts = {row.key: row.n for row in table.rows}
    return tuple(Week(day, counts.get(day.isoformat())) for day in firsts[1:])


def _shown(n: int) -> int | None:
    return None if 0 < n < SMALLEST else n


def _orders(tx: Tx) -> int | None:
    return _shown(int(tx.value("SELECT count(*) FROM decisions WHERE source = 'order'")))


_FROM_EVENT = """SELECT extract(epoch FROM d.decided_at - e.received_at) AS s
                 FROM decisions d JOIN events e ON e.seq = d.event"""
_FROM_REPORT = """SELECT extract(epoch FROM decided_at - created_at) AS s
                  FROM reports WHERE decided_at IS NOT NULL"""


def _median(tx: Tx, waits: str) -> float | None:
    """Return the median of the waits in hours, or None for fewer than five."""
    sql = f"""SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(s, 0))
              FROM ({waits}) AS w HAVING count(*) >= %(least)s"""  # noqa: S608 (constants)
    seconds = tx.value(sql, least=SMALLEST)
    return None if seconds is None else float(seconds) / 3600


def newest_checkpoint(tx: Tx) -> tuple[int, datetime] | None:
    """Return size and moment of the newest signed head of the ledger, if there is one."""
    rows = tx.rows("SELECT size, at FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
    return (int(rows[0]["size"]), rows[0]["at"]) if rows else None
