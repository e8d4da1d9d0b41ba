"""The verb of translating: what leaves the house is in the ledger before it leaves."""

from urllib.parse import urlsplit

from openhaven import ledger
from openhaven.core import Problem
from openhaven.review.actions import locked, require_may_work
from openhaven.review.translating.adapters import adapter
from openhaven.review.translating.model import LONGEST, Asked, Send, Translated
from openhaven.storage import Tx
from openhaven.storage.settings import Translation

_LOCAL = ("localhost", "127.0.0.1", "::1")


def note_leaving(tx: Tx, task: str, settings: Translation, *, private: bool) -> None:
    """Record that the actor lets the text of a task be translated.

    Raises `Problem`: 404 while it is switched off; 403 for who may not work on the task, for what
    is suspected to show the abuse of a child, and for private conversations unless the operator
    lets these out.
    """
    if not settings.url:
        raise Problem("translation.off", "Translations are switched off here.", status=404)
    row = locked(tx, task)
    require_may_work(tx, row)
    closed = row["lane_at"] is not None or row["level"] == "specialist"
    if closed or (private and not settings.private):
        raise Problem("translation.inside", "This text does not leave the house.", status=403,
                      next_step="Hand the task to somebody who reads the language.")  # fmt: skip
    ledger.append(tx, "task.translated", {"task": task, "adapter": settings.adapter})


def translate(settings: Translation, text: str, source: str, send: Send) -> Translated:
    """Ask the service, outside any transaction; what goes wrong is said and stops nothing."""
    asked = Asked(text[:LONGEST], source, settings.towards, settings.url, settings.key, send)
    try:
        _check_url(settings.url)
        found = adapter(settings.adapter)(asked)[:LONGEST].strip()
    except Problem as problem:
        return Translated(None, problem.title)
    except Exception as error:  # Whatever an adapter does, the page is shown, and says so.
        return Translated(None, f"The adapter failed ({type(error).__name__}).")
    return Translated(found or None, "" if found else "The translation was empty.")


def _check_url(url: str) -> None:
    """Refuse an address that is not https, unless it is on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return
    raise Problem("translation.url", "The address for translations does not begin with https://.",
                  status=502)  # fmt: skip
