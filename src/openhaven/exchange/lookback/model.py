"""What looking back is: for which banks, how far, and how far a run of it has come."""

from datetime import datetime
from typing import Literal

import msgspec

from openhaven.core import Problem
from openhaven.signals.banks.model import BankInfo

DAYS = 30
MOST_DAYS = 90
# More matches than this are no work for people but a sign that something is wrong with the bank.
MOST_TASKS = 1_000
# So many entries are compared at a time; more of them take several passes over the media.
SHARE = 1_000_000
PAGE = 50_000
CHILD_SAFETY = "child-safety"
INTIMATE = "intimate-images"

State = Literal["waiting", "running", "done", "halted", "cancelled"]

# Films have many hashes each, and events are opened one by one.
FILM_PAGE = 1_000
FILM_SHARE = 2_000
EVENT_PAGE = 2_000
# Kinds of banks of which what was seen is kept: hashes of media, frames of films, sealed events.
OF_EVENTS = ("link", "text")
KINDS = ("sha256", "sha1", "md5", "pdq", "video", *OF_EVENTS)
_HARMS = ("csam", "ncii")
_WHY_NOT = (
    "Looking back searches what people posted before anybody had a cause to. That is right where "
    "harm goes on for as long as a picture can be seen: the sexual abuse of a child, and intimate "
    "pictures shared without consent. For everything else it is not."
)


class LookBack(msgspec.Struct, frozen=True, kw_only=True):
    """One run of looking back over a bank (`bank` is its id, `name` its name)."""

    id: str
    bank: str
    name: str
    why: Literal["additions", "asked"]
    days: int
    since: datetime
    state: State
    entries: int
    media: int
    shares: int
    share: int
    after_entry: int
    after_media: str
    looked: int
    matches: int
    tasks: int
    gone: int
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    failures: int
    last_error: str | None

    @property
    def part(self) -> float:
        """How much of the work is done, from 0 to 1."""
        if self.state == "done":
            return 1.0
        whole = self.media * self.shares
        return min(self.looked / whole, 1.0) if whole else 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in ("waiting", "running")


def serious(harm: str) -> bool:
    """Say whether banks of this harm may look back."""
    return harm.partition(".")[0] in _HARMS


def queue_of(harm: str) -> str:
    """Return the queue for matches of a bank of this harm."""
    return CHILD_SAFETY if harm.partition(".")[0] == "csam" else INTIMATE


def share_of(kind: str, most: int) -> int:
    """Return how many entries of a kind are compared at a time, `most` at most; films are long."""
    return min(most, FILM_SHARE) if kind == "video" else most


def require_may_look_back(info: BankInfo) -> None:
    """Raise `Problem`, with the reason, for a bank that may not look back."""
    if not serious(info.harm):
        raise Problem("bank.look_back", f"“{info.name}” may not look back.", _WHY_NOT, status=403,
                      next_step="New entries match whatever is posted from now on.")  # fmt: skip
    if info.kind not in KINDS or info.opinion == "negative":
        unkept = "What it holds is not kept of what was posted."
        why = unkept if info.kind not in KINDS else "What is harmless needs no search."
        raise Problem("bank.look_back", f"“{info.name}” has nothing to look back for.", why,
                      status=409,
                      next_step="Choose a bank of hashes, films, texts or links.")  # fmt: skip
    if info.mode == "off":
        raise Problem("bank.look_back", f"“{info.name}” is off.", "It does not match.", status=409,
                      next_step="Set it live, or in shadow, first.")  # fmt: skip
