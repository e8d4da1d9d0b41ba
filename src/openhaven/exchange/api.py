"""The API for peers: another Openhaven reads a bank that was shared with its key. Thin."""

import msgspec

from openhaven.core import Problem
from openhaven.exchange import store
from openhaven.exchange.store import SharedPage
from openhaven.signals.banks.matches import say_of_entry
from openhaven.signals.banks.model import Word
from openhaven.web.call import Answer, Call, as_json


class Said(msgspec.Struct):
    """A peer's word about one of our entries, by the id that we gave it."""

    id: str
    word: Word


def get_changes(call: Call) -> Answer:
    """Return a page of our own entries of a bank, or of what changed in it since."""
    with call.haven.db.read(call.now) as tx:
        bank = store.shared_bank(tx, call.path["name"], call.actor.id)
        page: SharedPage = store.shared_page(tx, bank, call.query.get("after", ""))
    return as_json(page)


def post_feedback(call: Call) -> Answer:
    """Keep what a peer says of an entry: it is counted with the bank, and shown to its keepers."""
    said = call.json(Said)
    with call.haven.db.begin(call.actor, call.now) as tx:
        bank = store.shared_bank(tx, call.path["name"], call.actor.id)
        if not store.is_shared(tx, bank["id"], said.id):
            raise Problem("bank.no_entry", "This bank has no such entry for you.", status=404)
        say_of_entry(tx, bank["id"], int(said.id), said.word)
    return as_json({"id": said.id, "word": said.word})
