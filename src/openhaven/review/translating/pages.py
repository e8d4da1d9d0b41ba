"""Translating in the console: asked for by hand, shown beside the original. Thin."""

from collections.abc import Mapping

from openhaven.connectors.http import UnreachableError
from openhaven.core import Problem
from openhaven.review import store
from openhaven.review.pages import subject, task_page
from openhaven.review.translating import actions
from openhaven.review.translating.model import Send
from openhaven.web import Answer, Call

_ANSWER = 1_000_000


def translate(call: Call) -> Answer:
    """`POST /console/tasks/{id}/translate`: the page again, with a translation of the text."""
    task, settings = call.path["id"], call.haven.settings.translation
    with call.haven.db.begin(call.actor, call.now) as tx:
        seen = subject(call, tx, store.task(tx, task))
        text = "" if seen["hidden"] else "".join(piece for piece, _ in seen["pieces"])
        event = seen["event"]
        if not text or event is None:
            raise Problem("translation.nothing", "There is no text to translate.", status=404)
        actions.note_leaving(tx, task, settings, private=event.private)
    source = (event.item.language if event.item else None) or ""
    found = actions.translate(settings, text, source, _sender(call))
    return task_page(call, task, translated=found)


def _sender(call: Call) -> Send:
    def send(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        try:
            reply = call.haven.http.send("POST", url, body=body, headers=headers, limit=_ANSWER)
        except UnreachableError as error:
            raise Problem("translation.silent", str(error), status=502) from error
        if reply.status != 200:
            raise Problem("translation.silent", f"It answered HTTP {reply.status}.", status=502)
        return reply.body

    return send
