"""Another Openhaven, which has shared one of its banks with us: `GET /v1/banks/{name}/changes`."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from openhaven.connectors import Http
from openhaven.core import Problem
from openhaven.exchange import asking
from openhaven.exchange.model import (
    Change,
    Exchange,
    Page,
    Saying,
    Source,
    SourceError,
    Told,
    Value,
)
from openhaven.signals.banks.model import KINDS, Kind
from openhaven.signals.links import canonical

_BANK = re.compile("[a-z0-9][a-z0-9-]{0,62}")
_OPINIONS = ("positive", "investigate")


class _Shared(msgspec.Struct):
    id: str
    value: str | None = None
    quality: int | None = None
    tags: tuple[str, ...] = ()


class _Answer(msgspec.Struct):
    kind: str
    opinion: str
    changes: list[_Shared]
    next: str
    more: bool
    starts: bool
    ends: bool


def open_source(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return the reader. Credentials: `key`, an API key of theirs; config: `bank`, its name."""
    if not credentials.get("key"):
        raise Problem("source.credentials", "The other Openhaven gives an API key.",
                      next_step="Put key=… into a file for --credentials.")  # fmt: skip
    if not _BANK.fullmatch(str(source.config.get("bank", ""))):
        raise Problem("source.config", "Say which of their banks is to be read.",
                      next_step="Give its name with --set bank=….")  # fmt: skip
    return Peer(source, credentials, http)


class Peer:
    """Reads one bank of another Openhaven, and sends what was said of its matches."""

    def __init__(self, source: Source, credentials: Mapping[str, str], http: Http) -> None:
        self._url = f"{asking.base_of(source.url)}/v1/banks/{source.config['bank']}"
        self._headers = {"authorization": f"Bearer {credentials['key']}"}
        self._http = http

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the next page of changes."""
        del now
        body = asking.get(self._http, f"{self._url}/changes", self._headers, after=checkpoint)
        answer = asking.decoded(body, _Answer)
        if answer.more and answer.next == checkpoint:
            raise SourceError("It repeats a page.")
        if answer.kind not in KINDS or answer.opinion not in _OPINIONS:
            raise SourceError("This bank is of a kind, or holds an opinion, that is not taken.")
        changes, faults = [], []
        for one in answer.changes:
            try:
                changes.append(_change(one, answer))
            except ValueError as fault:
                faults.append(f"an entry cannot be read: {fault}")
        return Page(changes=tuple(changes), checkpoint=answer.next, more=answer.more,
                    starts=answer.starts, ends=answer.ends, faults=tuple(faults))  # fmt: skip

    def send(self, saying: Saying) -> Told:
        """Send a word about one of their entries."""
        body = asking.as_json({"id": saying.source_id, "word": saying.word})
        headers = self._headers | {"content-type": "application/json"}
        return asking.put(self._http, "POST", f"{self._url}/feedback", headers, body)


def _change(one: _Shared, answer: _Answer) -> Change:
    if one.value is None:
        return Change(source_id=one.id)
    kind: Kind = answer.kind  # type: ignore[assignment] # it is one of them: it was looked up
    opinion: Any = answer.opinion
    if kind == "link":
        form = canonical(one.value)
        if form is None:
            raise ValueError("this is no web address")
        value = form.encode()
    else:
        value = bytes.fromhex(one.value)
    return Change(source_id=one.id, values=(Value(kind, value, one.quality),), opinion=opinion,
                  tags=one.tags)  # fmt: skip
