"""The verb: remember with a task of which signs of conduct it tells."""

from collections.abc import Sequence

from openhaven.intake import Claimed
from openhaven.line.answered.model import all_signs
from openhaven.line.answered.store import HELD_FOR, asks_of_conduct, other_of
from openhaven.policy import Verdict
from openhaven.storage import Tx


def remember(tx: Tx, batch: Sequence[Claimed], verdicts: Sequence[Verdict]) -> None:
    """Store the signs of each verdict that asked a person, and forget those of long ago."""
    found = [
        {"task": verdict.task, "sign": name, "other": pair, "sure": sure}
        for claimed, verdict in zip(batch, verdicts, strict=True)
        if verdict.task is not None and asks_of_conduct(claimed, verdict)
        for (name, pair), sure in all_signs(verdict, other_of(tx, claimed))
    ]
    if not found:
        return
    # Where several events of a batch tell the same, the surest counts.
    sql = """INSERT INTO conduct_asked AS a (task, sign, other, confidence, at)
             SELECT task, sign, other, max(sure), %(now)s
             FROM unnest(%(tasks)s::text[], %(signs)s::text[], %(others)s::text[],
               %(sure)s::float8[]) AS g (task, sign, other, sure) GROUP BY 1, 2, 3
             ON CONFLICT (task, sign, other) DO UPDATE SET at = excluded.at,
               confidence = greatest(a.confidence, excluded.confidence)"""
    columns = {f"{name}s": [one[name] for one in found] for name in ("task", "sign", "other")}
    tx.run(sql, **columns, sure=[one["sure"] for one in found], now=tx.now)
    # A task may wait for weeks before it is answered.
    tx.run("DELETE FROM conduct_asked WHERE at < %(before)s", before=tx.now - 4 * HELD_FOR)
