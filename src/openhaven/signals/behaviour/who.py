"""How the two stand to each other between whom something happens. Pure.

An account of unknown age is a grown-up where it approaches somebody, and a child where it is
protected; but it is never said to be a child: on a platform that knows no ages, everybody would
stand accused.
"""

import msgspec

from openhaven.intake.model import Event

KINDS = frozenset(
    {"contact.request", "contact.accept", "contact.block", "message.send", "comment.create",
     "report.create"}
)  # fmt: skip
APPROACHES = frozenset({"contact.request", "message.send", "comment.create"})
_RELATIONS = frozenset({"connected", "organisation", "family"})
"""What the platform may say of the two in `context.relation`; else they are strangers.

`organisation`: a school, a club or the like has brought them together, and the platform knows it.
"""
_AGES = {"under-13": 0, "13-15": 1, "16-17": 2}
_GROWN_UP = "18-plus"


class Meeting(msgspec.Struct, frozen=True, gc=False):
    """An event between two accounts: `by` does it, `to` is the one that it is aimed at.

    `by_band` and `to_band` are what is known of their ages. It is `uneven` when a grown-up
    approaches a child, or a child one that is two bands younger, and `from_below` when it would be
    so the other way round. Those are `strangers` whom nothing has brought together that the
    platform knows of; family are `close`: of these nothing is counted and nothing said.
    """

    by: str
    to: str
    by_band: str
    to_band: str
    uneven: bool
    from_below: bool
    strangers: bool
    close: bool
    relation: str

    @property
    def wide(self) -> bool:
        """Whether it is uneven, and the younger one is not 16 or 17."""
        return self.uneven and self.to_band != "16-17"

    @property
    def to_protected(self) -> bool:
        """Whether the one that it is aimed at is a child, or may be one."""
        return self.to_band != _GROWN_UP

    @property
    def by_minor(self) -> bool:
        """Whether the one who does it is known to be under 18."""
        return self.by_band in _AGES

    @property
    def by_protected(self) -> bool:
        """Whether the one who does it is a child, or may be one."""
        return self.by_band != _GROWN_UP


def _above(one: str, other: str) -> bool:
    young = _AGES.get(other)
    return young is not None and _AGES.get(one, len(_AGES) + 1) - young > 1


def meeting(event: Event) -> Meeting | None:
    """Return the meeting that an event is; None when it is aimed at nobody else."""
    target = event.target.account if event.target else None
    account = event.account
    if target is None or target.id == account.id or event.kind not in KINDS:
        return None
    said = event.context.get("relation")
    relation = said if isinstance(said, str) and said in _RELATIONS else "stranger"
    one, other = account.age_band, target.age_band
    return Meeting(
        by=account.id,
        to=target.id,
        by_band=one,
        to_band=other,
        uneven=_above(one, other),
        from_below=_above(other, one),
        strangers=relation == "stranger",
        close=relation == "family",
        relation=relation,
    )


def cluster(event: Event) -> str:
    """Return the school, class or group in which the one who is asked was found; "" for none."""
    said = event.context.get("cluster")
    if isinstance(said, str) and said:
        return said
    talk = event.conversation
    return talk.id if talk is not None and talk.visibility == "group" else ""


def inside(event: Event) -> bool:
    """Say whether the platform says that both belong to that school, class or group."""
    return event.context.get("same_cluster") is True


def invites(event: Event) -> bool:
    """Say whether the platform says that this is an invitation to another service."""
    return event.context.get("invites_elsewhere") is True
