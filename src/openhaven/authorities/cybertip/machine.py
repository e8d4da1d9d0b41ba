"""What to do next with a report, and what an answer means: the states and their moves. Pure.

A report at the authority's server is opened, filled, and finished, which cannot be undone. What is
not finished is deleted by the server, so that it is always safe to give a report up and to open
another one, unless it was, or may have been, told to finish: then only that same report is asked to
finish again, until the server says that it is finished, or that there is no such report.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from openhaven.authorities.cybertip import wire

Step = Literal["submit", "upload", "fileinfo", "finish", "retract"]
# A file whose details were refused so often without a clear reason is given up with its report.
_TIMES = 3


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was intended, and what came of it; without `done` nobody knows yet."""

    id: str
    step: Step
    item: str | None = None
    sent: int = 1
    done: bool = False
    code: int | None = None
    file: str | None = None
    md5: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was opened, or meant to be; with its steps."""

    id: str
    number: int
    state: str
    report: str | None = None
    steps: tuple[Done, ...] = ()

    def of(self, step: str, item: str | None = None) -> Done | None:
        """Return a step of this attempt, if it was intended."""
        return next((one for one in self.steps if (one.step, one.item) == (step, item)), None)


class Next(NamedTuple):
    """The step that comes next; `step` is None when nothing is left to do.

    `lost` says that the attempt's fate is unknown and that it is given up: nobody knows its number.
    """

    step: Step | None
    item: str | None = None
    lost: bool = False


def next_step(attempt: Attempt | None, items: Sequence[str]) -> Next:
    """Return what to do next with a filing of these items, from what is stored of it."""
    match attempt.state if attempt else "gone":
        case "finished":
            return Next(None)
        case "opening":
            return Next("submit", lost=True)
        case "finishing":
            return Next("finish")
        case "retracting":
            return Next("retract")
        case "open":
            assert attempt is not None
            return _filling(attempt, items)
        case _:
            return Next("submit")


def _filling(attempt: Attempt, items: Sequence[str]) -> Next:
    for item in items:
        upload = attempt.of("upload", item)
        if upload is None:
            return Next("upload", item)
        if not upload.done:
            # Sent again, the report might have the file twice, once without details.
            return Next("retract")
        details = attempt.of("fileinfo", item)
        if details is None or (not details.done and details.sent < _TIMES):
            return Next("fileinfo", item)
        if not details.done:
            return Next("retract")
    return Next("finish")


Move = Literal[
    "opened",  # the report is open, and its number is known
    "stored",  # the step is done
    "again",  # the same step is taken again, after a pause
    "retract",  # the report is given up and taken back, and another one is opened
    "refused",  # the report is given up and taken back; a person has to mend what it says
    "renew",  # there is no such report any more: another one is opened
    "finished",  # the authority has it
    "credentials",  # the authority does not know us: a person has to look
    "strange",  # the authority says what cannot be: nothing more is sent before a person looked
]


def judge(step: Step, answer: wire.Answer, done: Done, expected_md5: str = "") -> Move:
    """Return what an answer means for a step that was sent `done.sent` times."""
    code = answer.code
    if code in wire.CREDENTIALS:
        return "credentials"
    if step == "finish":
        return _finish(code)
    if step == "retract":
        return _retract(code)
    if code == wire.FINISHED:
        return "strange"
    if code == wire.RETRACTED or code in wire.GONE:
        return "renew"
    if code != wire.SUCCESS:
        return _failed(step, code, done)
    if step == "submit":
        return "opened" if answer.report.isdecimal() else "again"
    if step == "upload" and (answer.md5 != expected_md5 or not answer.file):
        return "retract"
    return "stored"


def _failed(step: Step, code: int, done: Done) -> Move:
    if step == "submit":
        return "refused" if code in wire.OURS else "again"
    if step == "upload":
        # Only these say that the file is not there; of any other code nobody knows.
        again = code in wire.NOT_RECEIVED
        return "again" if again else "refused" if code in wire.OURS else "retract"
    # A file's details are taken once: refused after they were sent before, they may be there.
    if done.sent > 1 and code not in wire.AGAIN:
        return "retract"
    return "refused" if code in wire.OURS else "again"


def _finish(code: int) -> Move:
    if code in (wire.SUCCESS, wire.FINISHED):
        return "finished"
    if code == wire.RETRACTED or code in wire.GONE:
        return "renew"
    return "refused" if code in wire.OURS else "again"


def _retract(code: int) -> Move:
    if code in (wire.SUCCESS, wire.RETRACTED) or code in wire.GONE:
        return "renew"
    return "strange" if code == wire.FINISHED else "again"
