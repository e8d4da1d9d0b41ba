"""Sealed items in the console: ask a second person, and open one. Thin."""

from openhaven import evidence
from openhaven.evidence import opening
from openhaven.web import Answer, Call, see_other


def ask(call: Call) -> Answer:
    """`POST /console/evidence/{id}/ask`: ask a second person whether it may be opened, and why."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        item = evidence.item(tx, call.path["id"])
        opening.ask(tx, item, call.form().get("reason", ""))
    return see_other(f"/console/lane/{item.case_id}#{item.id}")


def open_item(call: Call) -> Answer:
    """`POST /console/evidence/{id}/open`: the original, as a file; it counts as a viewing."""
    vault = call.haven.vault
    with call.haven.db.begin(call.actor, call.now) as tx:
        item = evidence.item(tx, call.path["id"])
        parts = evidence.read(vault, tx, item, "opened by a person")
        evidence.viewed(tx, item, "original", exif_shown=True)
    headers = {"content-disposition": f'attachment; filename="{item.id}.bin"',
               "cache-control": "no-store"}  # fmt: skip
    return Answer(200, b"".join(parts), "application/octet-stream", headers)
