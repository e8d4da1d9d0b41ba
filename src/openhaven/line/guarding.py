"""Watches over the house itself: tells of permissions taken in need, and seals who read what."""

from collections.abc import Mapping

from openhaven import connectors
from openhaven.connectors.http import UnreachableError
from openhaven.core import Problem, system
from openhaven.line.haven import Haven
from openhaven.staff import attempts, glass, reads

ME = system("guard")


def tell_of_glass(haven: Haven) -> int:
    """Tell those who manage staff what was taken in need; return how many calls were taken up."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        try:
            reply = haven.http.send("POST", url, body=body, headers=headers, limit=10_000)
        except (UnreachableError, Problem) as error:
            return f"It did not arrive ({type(error).__name__})."
        return None if 200 <= reply.status < 300 else f"It was answered with {reply.status}."

    return glass.tell(haven.db, haven.settings, post, connectors.mail.tell)


def keep_guard(haven: Haven) -> int:
    """Seal who read what since the last time, forget what is old; return how much was sealed."""
    with haven.db.begin(ME) as tx:
        attempts.forget(tx)
        reads.forget(tx, haven.settings.retention.decided)
        return reads.seal(tx)
