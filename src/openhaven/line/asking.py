"""Requests of authorities on the line: clocks call staff, words go out, a life is called about."""

import msgspec

from openhaven import connectors, survivors
from openhaven.authorities import requests
from openhaven.connectors.http import UnreachableError
from openhaven.core import Problem, system
from openhaven.line.haven import Haven

ME = system("requests")


def tend(haven: Haven) -> int:
    """Do what is due about requests of authorities; return how much was taken up."""

    def tell(address: str, title: str, text: str, name: str) -> str | None:
        return _tell(haven, address, title, text, name)

    called = requests.call_for_life(haven.db, haven.settings, tell)
    told = requests.tell_due(haven.db, haven.settings, tell)
    followed = requests.tend(haven.db)
    with haven.db.begin(ME) as tx:
        for kind, about in requests.note_due(tx):
            survivors.call_staff(tx, kind, about)
    return called + told + followed


def _tell(haven: Haven, address: str, title: str, text: str, name: str) -> str | None:
    """Send a message to an e-mail address, or to an address on the web as JSON; None when taken."""
    if not address.startswith(("https://", "http://")):
        if not haven.settings.mail.host:
            return "No mail host is set (mail.host)."
        return connectors.mail.tell(haven.settings, address, title, text, name)
    body = msgspec.json.encode({"id": name, "type": "openhaven.life", "title": title, "text": text})
    headers = {"content-type": "application/json", "user-agent": "openhaven", "webhook-id": name}
    try:
        reply = haven.http.send("POST", address, body=body, headers=headers, limit=10_000)
    except (UnreachableError, Problem, ValueError) as error:
        return f"It did not arrive ({type(error).__name__})."
    return None if 200 <= reply.status < 300 else f"It was answered with {reply.status}."
