"""The face to the network: one guarded door, one table of every URL, pages without scripts.

`routes.py` is the table: who looks for a URL begins there. A request passes `door.py` (host, path,
security headers, errors), then `endpoint.py` (who may, how large, which kind of body), and reaches
a plain function of its room as a `Call`; that function gives an `Answer`.
"""

from openhaven.web.call import (
    Answer,
    Call,
    Refusal,
    as_json,
    as_text,
    page,
    see_other,
)
from openhaven.web.gates import fresh
from openhaven.web.live import live
from openhaven.web.urls import Form

__all__ = [
    "Answer",
    "Call",
    "Form",
    "Refusal",
    "as_json",
    "as_text",
    "fresh",
    "live",
    "page",
    "see_other",
]
