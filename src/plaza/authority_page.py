"""What the stand-in for an authority shows of itself: which reports it has received."""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plaza.authority import Held

_STATES = {"open": "begun", "finished": "finished", "retracted": "taken back",
           "deleted": "deleted, since it was not finished in time"}  # fmt: skip


def shown(reports: "Iterable[Held]") -> str:
    """Return the page that says what was received: numbers, states and hashes, no content."""
    rows = "".join(
        f"<tr><th scope='row'>{one.id}</th><td>{_STATES[one.state]}</td><td>{len(one.files)}</td>"
        f"<td><code>{hashlib.sha256(one.document).hexdigest()[:16]}</code></td></tr>"
        for one in reports
    )
    table = (
        "<table border='1' cellpadding='6'><caption>Reports, the newest first</caption><thead><tr>"
        "<th scope='col'>Number</th><th scope='col'>State</th><th scope='col'>Files</th>"
        f"<th scope='col'>Hash of the report</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'><title>A stand-in for an authority"
        "</title></head><body><main><h1>A stand-in for an authority</h1>"
        "<p><strong>This is no authority.</strong> It is a program of the demo on this machine, "
        "and nothing that it receives goes anywhere. It keeps numbers and hashes, and forgets "
        "them when the demo stops.</p>"
        f"{table if rows else '<p>It has received nothing yet.</p>'}</main></body></html>"
    )
