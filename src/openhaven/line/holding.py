"""Holding back: what a rule could not check waits, unseen, until a person has looked."""

from msgspec.structs import replace

from openhaven import decisions
from openhaven.intake import Claimed
from openhaven.line import drafts
from openhaven.line.haven import Haven
from openhaven.policy import Pack, Verdict
from openhaven.storage import Tx


def hold_back(
    haven: Haven, tx: Tx, claimed: Claimed, verdict: Verdict, pack: Pack, media: drafts.Media
) -> Verdict:
    """Hold an item back until a person has looked, if a rule asks for it and it can be undone."""
    if not verdict.hold:
        return verdict
    if not decisions.verbs_of(tx, claimed.platform).get("restrict"):
        return replace(verdict, hold=False)
    draft = drafts.from_holding_back(tx, claimed, verdict, pack, media)
    return replace(verdict, decision=decisions.decide(tx, draft, haven.voice).id)
