"""Openhaven from a platform's own process: ask before something happens, tell what happened.

Checks are answered here, by the very evaluation that the server runs, from what it handed over
before; so they cost no network hop, and go on when Openhaven is away. What is not known then is
answered as for a child that must be protected, and as for a stranger where it approaches somebody.

It needs `msgspec` and `urllib3`, and nothing of the house but the pure part of `protections`.
"""

from openhaven.client.aio import AsyncClient
from openhaven.client.asking import ask
from openhaven.client.model import (
    AgeAppealed,
    Health,
    Help,
    Reason,
    Receipt,
    Service,
    Subject,
    Verdict,
)
from openhaven.client.sync import Client
from openhaven.client.wire import Refused, Unreachable
from openhaven.protections import Answer, Change, Party, Protected, Question

__all__ = [
    "AgeAppealed",
    "Answer",
    "AsyncClient",
    "Change",
    "Client",
    "Health",
    "Help",
    "Party",
    "Protected",
    "Question",
    "Reason",
    "Receipt",
    "Refused",
    "Service",
    "Subject",
    "Unreachable",
    "Verdict",
    "ask",
]
