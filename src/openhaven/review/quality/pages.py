"""How well people agree, and what did not stand; which answers are agreed to be right. Thin."""

from openhaven.review.quality import actions, store
from openhaven.review.quality.model import agreements
from openhaven.web import Answer, Call, page, see_other

KINDS = ("rule", "detector", "reviewer", "language")


def quality(call: Call) -> Answer:
    """`GET /console/quality`: agreement by queue and clause, and rates of what was overturned."""
    with call.haven.db.read(call.now) as tx:
        pairs, rates, goldens = store.pairs(tx), store.rates(tx), store.goldens(tx)
    return page(
        call, "review/quality.html", goldens=goldens, pack=call.haven.packs.current,
        by={"queue": agreements(pairs, "queue"), "clause": agreements(pairs, "clause")},
        rates={kind: [one for one in rates if one.kind == kind] for kind in KINDS},
    )  # fmt: skip


def agree(call: Call) -> Answer:
    """`POST /console/tasks/{id}/golden`: what was judged here is right, and may be asked again."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.agree(tx, call.path["id"])
    return see_other("/console/quality")


def retire(call: Call) -> Answer:
    """`POST /console/quality/{id}/retire`: ask no more about this answer."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.retire(tx, call.path["id"])
    return see_other("/console/quality")
