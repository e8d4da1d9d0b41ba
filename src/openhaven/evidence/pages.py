"""Sealed items in the console: ask a second person, and open one. Thin."""

from openhaven import evidence
from openhaven.core import Problem
from openhaven.evidence import opening
from openhaven.web import Answer, Call, fresh, see_other

# A page hands out what fits into memory; whatever is larger leaves by the command line.
LARGEST = 200_000_000


def ask(call: Call) -> Answer:
    """`POST /console/evidence/{id}/ask`: ask a second person whether it may be opened, and why."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        item = evidence.item(tx, call.path["id"])
        opening.ask(tx, item, call.form().get("reason", ""))
    return see_other(f"/console/lane/{item.case_id}#{item.id}")


def open_item(call: Call) -> Answer:
    """`POST /console/evidence/{id}/open`: the original, as a file; it counts as a viewing."""
    fresh(call)
    vault = call.haven.vault
    with call.haven.db.begin(call.actor, call.now) as tx:
        item = evidence.item(tx, call.path["id"])
        if item.bytes > LARGEST:
            raise Problem("evidence.large", "This file is too large for a page.", status=413,
                          next_step="Use: openhaven evidence export")  # fmt: skip
        parts = evidence.read(vault, tx, item, "opened by a person")
    data = b"".join(parts)
    # What could not be read was not shown: only now is it a viewing.
    with call.haven.db.begin(call.actor, call.now) as tx:
        evidence.viewed(tx, item, "original", exif_shown=True)
    headers = {"content-disposition": f'attachment; filename="{item.id}.bin"',
               "cache-control": "no-store"}  # fmt: skip
    return Answer(200, data, "application/octet-stream", headers)
