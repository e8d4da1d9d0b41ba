"""Reading what was answered, and taking out of a batch what nobody has to be asked again."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from openhaven.intake import Claimed
from openhaven.line.answered.model import Signs, is_new
from openhaven.line.drafts import of_conduct, outcome_of
from openhaven.policy import Verdict
from openhaven.storage import Tx

# As long as the longest window of what is counted: after that, all that a sign tells is new.
HELD_FOR = timedelta(days=30)
Whose = tuple[str, str]


def unasked(tx: Tx, batch: Sequence[Claimed], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts, with "allow" where a person has answered all that they tell."""
    asks = [
        asks_of_conduct(claimed, verdict) for claimed, verdict in zip(batch, verdicts, strict=True)
    ]
    whose = {whose_is(claimed) for claimed, ask in zip(batch, asks, strict=True) if ask}
    if not whose:
        return list(verdicts)
    known = answered(tx, whose)
    return [
        _settled(tx, claimed, verdict, known.get(whose_is(claimed), {})) if ask else verdict
        for claimed, verdict, ask in zip(batch, verdicts, asks, strict=True)
    ]


def _settled(tx: Tx, claimed: Claimed, verdict: Verdict, known: Signs) -> Verdict:
    other = other_of(tx, claimed)
    new = any(is_new(reason, other, known) for reason in verdict.reasons)
    return verdict if new else replace(verdict, outcome="allow")


def asks_of_conduct(claimed: Claimed, verdict: Verdict) -> bool:
    """Say whether a verdict asks a person, because of signs of behaviour alone."""
    asks = outcome_of(claimed, verdict) == "review" and claimed.event.kind != "report.create"
    return asks and not verdict.hold and of_conduct(verdict)


def whose_is(claimed: Claimed) -> Whose:
    """Return platform and account whose conduct it is."""
    return claimed.platform, claimed.event.account.id


def other_of(tx: Tx, claimed: Claimed) -> str:
    """Return a digest of the one that an event is aimed at, which names nobody; "" for none."""
    target = claimed.event.target.account if claimed.event.target else None
    if target is None:
        return ""
    return tx.keys.digest(f"met:{claimed.platform}:{target.id}".encode()).hex()


def answered(tx: Tx, whose: Iterable[Whose]) -> dict[Whose, dict[tuple[str, str], float]]:
    """Return the signs of these accounts that people looked at lately and found no fault with.

    What was answered before something was done about an account counts no more.
    """
    sql = """SELECT c.platform, c.account, s.sign, s.other, max(s.confidence) AS sure
             FROM unnest(%(platforms)s::text[], %(accounts)s::text[]) AS w (platform, account)
             JOIN cases c ON c.platform = w.platform AND c.account = w.account
             JOIN tasks t ON t.case_id = c.id JOIN conduct_asked s ON s.task = t.id
             JOIN judgements j ON j.task = t.id AND j.outcome = 'allow' AND j.state <> 'withdrawn'
             WHERE j.at > %(since)s AND NOT EXISTS (
               SELECT 1 FROM cases d JOIN tasks u ON u.case_id = d.id
                 JOIN judgements k ON k.task = u.id
               WHERE d.platform = c.platform AND d.account = c.account AND k.at > j.at
                 AND k.outcome IN ('warn', 'restrict', 'remove', 'suspend')
                 AND k.state <> 'withdrawn')
             GROUP BY 1, 2, 3, 4"""
    listed = list(whose)
    found: dict[Whose, dict[tuple[str, str], float]] = {}
    for row in tx.rows(sql, platforms=[one for one, _ in listed], since=tx.now - HELD_FOR,
                       accounts=[one for _, one in listed]):  # fmt: skip
        mine = found.setdefault((row["platform"], row["account"]), {})
        mine[row["sign"], row["other"]] = float(row["sure"])
    return found
