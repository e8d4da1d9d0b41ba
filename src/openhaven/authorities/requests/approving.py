"""What a second person is shown of what is asked of them about requests."""

from openhaven.authorities.requests import store
from openhaven.authorities.requests.kinds import CATEGORIES
from openhaven.authorities.requests.model import DELAYS
from openhaven.staff.approvals import Approval
from openhaven.storage import Tx

Told = tuple[list[tuple[str, str]], str]


def disclosure(tx: Tx, one: Approval) -> Told:
    """Return what would be given to an authority, and the page of the request."""
    request = store.request_of_scope(tx, one.matter)
    wanted = store.scope(tx, one.matter).wanted if request else None
    if request is None or wanted is None:
        return [], "/console/requests"
    found = store.request(tx, request)
    told = [
        ("Request", f"{found.of.words}, {found.country}"),
        ("Of", f"{len(wanted.subjects)} account" + ("s" if len(wanted.subjects) > 1 else "")),
        ("Data", "; ".join(CATEGORIES[one] for one in wanted.categories)),
        ("Of the time", f"from {wanted.since:%d %B %Y} to {wanted.until:%d %B %Y}"),
        ("The person is told", _when(wanted.delay_days, wanted.delay_ground)),
    ]
    if added := sum(1 for one in store.files(tx, request) if one.side == "out"):
        told.append(("Added by hand", f"{added} file" + ("s" if added > 1 else "")))
    return told, f"/console/requests/{request}"


def _when(days: int, ground: str) -> str:
    return f"after {days} days. {DELAYS[ground]}" if days else "at once"


def delay(tx: Tx, one: Approval) -> Told:
    """Return until when a person would not be told, and the page of the request."""
    notice = store.telling(tx, one.matter.partition(".")[0])
    told = []
    if notice.longer_until and notice.longer_ground:
        told = [("Tell the person", f"on {notice.longer_until:%d %B %Y}"),
                ("Why", DELAYS[notice.longer_ground])]  # fmt: skip
    return told, f"/console/requests/{notice.request}"
