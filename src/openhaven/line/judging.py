"""Judges a batch: what each event's rules say, given the labels that stand and the limits of rules.

The evaluation itself is pure (`Pack.evaluate`). Here is what it needs from the database and what of
it must be settled for the batch as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from openhaven import intake, policy
from openhaven.intake import Claimed
from openhaven.intake.told import keep_told, told_of
from openhaven.line import answered, drafts
from openhaven.policy import Pack, Verdict
from openhaven.signals import Finding
from openhaven.storage import Tx


def judge(
    tx: Tx,
    pack: Pack,
    batch: Sequence[Claimed],
    findings: Sequence[Sequence[Finding]],
    past: list[dict[str, Any]],
) -> list[Verdict]:
    """Return the verdict on each event, and give the labels that follow.

    Events are judged in the order in which they were stored, so that each sees the labels of those
    before it. `past` has what was counted for each event; the labels that rules could read are
    added to it. What rests on conduct of which a person has said that nothing is wrong with it asks
    nobody again.
    """
    labels = intake.labels_on(tx, batch) if pack.reads_labels else None
    told = told_of(tx, batch, pack.reads_told) if pack.reads_told else None

    def again(at: int, reined: Mapping[str, str]) -> Verdict:
        return pack.evaluate(batch[at].event, findings[at], past[at], reined)

    verdicts: dict[int, Verdict] = {}
    for at in sorted(range(len(batch)), key=lambda at: batch[at].seq):
        if labels is not None:
            past[at] = {**past[at], **labels.of(batch[at])}
        if told is not None:
            past[at] = {**past[at], **told.of(batch[at])}
        verdicts[at] = again(at, {})
        if labels is not None:
            for one in verdicts[at].labels:
                labels.add(batch[at], one.label.name, on_item=one.label.on == "item")
    said = policy.rein_in(tx, pack, batch, [verdicts[at] for at in range(len(batch))], again)
    intake.give_labels(tx, drafts.notes(batch, said))
    if told is not None:
        keep_told(tx, told)
    return answered.unasked(tx, batch, said)
