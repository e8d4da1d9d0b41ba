"""Removal orders on the line: an order of an authority becomes a decision, with its reasons.

What Article 9 of the Digital Services Act asks of an order stands in the statement of reasons: who
ordered it, by which law, where it holds, and where one can turn (Regulation (EU) 2022/2065).
"""

from datetime import datetime

from msgspec.structs import replace

from openhaven import decisions, intake, review
from openhaven.authorities import requests
from openhaven.authorities.requests import store
from openhaven.authorities.requests.model import Asked, Request, Subject, after
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.router import UNION
from openhaven.core import HARMS, Actor, Problem
from openhaven.core.words import mark
from openhaven.decisions import Draft
from openhaven.decisions.actions import can_of
from openhaven.decisions.kinds import content_types
from openhaven.line.haven import Haven
from openhaven.storage import Tx

_REDRESS = mark(
    "An authority ordered this, so that a court of its country can be asked whether it was right. "
    "You can also appeal here for six months, free of charge, through the link in this message: a "
    "person who had no part in it looks whether the order was carried out as it says."
)
_CLAUSE = "order"
# Where an order holds, in words for staff.
REACH: dict[str, str] = {
    "country": "in the country of the authority",
    "union": "in the European Union, as an order on terrorist content does",
    "everywhere": "everywhere, since the platform cannot tell countries apart or the order says so",
}


def carry_out(
    haven: Haven, actor: Actor, request: str, harm: str, where: str, *, now: datetime | None = None
) -> list[str]:
    """Carry out a removal order that was authenticated, checked and narrowed; return decisions.

    `harm` is the kind of harm that it is about, `where` (one of `REACH`) where the order holds.
    Raises `Problem`: 400, 403, 404 for an item that nobody sent here, 409 where the platform cannot
    take something away in some countries only.
    """
    with haven.db.begin(actor, now) as tx:
        only_handlers(tx)
        found = requests.locked(tx, request)
        after(found.state, "remove", found.of)
        if harm not in HARMS or where not in REACH:
            raise Problem("request.harm", "Say what the order is about, and where it holds.")
        wanted = store.scope(tx, found.scope or "").wanted
        asked = store.asked(tx, request)
        if wanted is None:
            raise Problem("request.forgotten", "This was destroyed.", status=410)
        asked = replace(asked, what=wanted.why)
        made = [_decided(haven, tx, found, asked, one, harm, where) for one in wanted.items]
        requests.step(tx, found, "remove", decision=made[0], accounts=len(made))
    return made


def _decided(
    haven: Haven, tx: Tx, found: Request, asked: Asked, item: Subject, harm: str, where: str
) -> str:
    if where != "everywhere" and "country" not in can_of(tx, item.platform):
        raise Problem("request.reach", "This platform cannot take something away in some countries "
                      "only.", status=409, next_step="Choose everywhere, or refuse the order.",
                      )  # fmt: skip
    known = intake.latest_of_item(tx, item.platform, item.account)
    if known is None:
        raise Problem("request.item", "An item that is named was never sent here.", status=404,
                      next_step="Check its id and its platform.")  # fmt: skip
    case = review.case_for(tx, item.platform, item.account, known.account, harm)
    draft = _draft(haven, tx, found, asked, item, harm, case, known.seq)
    draft = replace(draft, scope=_countries(found, where))
    return decisions.decide(tx, draft, haven.voice).id


def _draft(
    haven: Haven, tx: Tx, found: Request, asked: Asked, item: Subject, harm: str, case: str,
    seq: int,
) -> Draft:  # fmt: skip
    row, event = intake.open_event(tx, seq)
    known = intake.account_of(tx, item.platform, row.account)
    media = [ref.id for ref in event.item.media] if event and event.item else []
    basis = asked.basis.strip() or found.of.law
    return Draft(
        case_id=case,
        platform=item.platform,
        outcome="remove",
        harm=harm,
        clause=_CLAUSE,
        clause_title="An order of an authority",
        clause_text=basis[:2_000],
        pack=haven.packs.current.fingerprint,
        facts=_facts(found, asked, basis),
        ground="law",
        ground_reference=basis[:500],
        source="order",
        automated_detection=False,
        automated_decision="not",
        content_type=content_types(event, intake.media_facts(tx, item.platform, media)),
        content_at=row.at,
        decided_by=str(tx.actor),
        account=row.account,
        subject=known.subject if known else None,
        item=item.account,
        language=event.item.language if event and event.item else None,
        redress=_REDRESS,
    )


def _facts(found: Request, asked: Asked, basis: str) -> str:
    """Return why it was removed: who ordered it, under which number, by which law."""
    number = f", number {asked.reference}" if asked.reference else ""
    return (f"An authority ordered it: {asked.authority} ({found.country}){number}, on "
            f"{found.received_at:%d %B %Y}. The law that it names: {basis[:500]} The order says: "
            f"{asked.what.strip()[:2_000]}")  # fmt: skip


def _countries(found: Request, where: str) -> list[str]:
    if where == "everywhere":
        return ["*"]
    return sorted(UNION) if where == "union" else [found.country]
