"""StopNCII.org: hashes that people made of their own intimate images, by the time of their change.

Read by `FetchHashes`; a later record for the same kind and hash replaces the former, and what was
withdrawn or deleted must go. Feedback is one of the service's own words (`Blocked`, `NotBlocked`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
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
    mark,
    position,
)
from openhaven.exchange.sending.model import Given, Offer
from openhaven.signals.banks.model import Kind
from openhaven.signals.links import canonical

_FIRST = 10  # the earliest start that the service takes
_SIZE = 800
_TAKEN: Mapping[str, Kind] = {"ImagePDQ": "pdq", "VideoMD5": "md5", "URL": "link"}
_SENT: Mapping[Kind, str] = {"pdq": "ImagePDQ", "link": "URL"}
_GONE = ("Withdrawn", "Deleted")
_WORDS = {"confirm": "Blocked", "false_match": "NotBlocked"}


class _Answer(msgspec.Struct):
    hashRecords: list[dict[str, Any]]  # noqa: N815 (the service's own names)
    nextSetTimestamp: int  # noqa: N815
    hasMoreRecords: bool  # noqa: N815
    nextPageToken: str | None = None  # noqa: N815


def open_source(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return the reader.

    Credentials: `subscription` (the API's subscription key), `fetch` and, to send feedback,
    `feedback` (the keys of these functions). `submit` is the key to send hashes of one's own.
    """
    if not credentials.get("subscription") or not credentials.get("fetch"):
        raise Problem("source.credentials", "StopNCII gives a subscription key and function keys.",
                      next_step="Put subscription=… and fetch=… into a file for --credentials.",
                      )  # fmt: skip
    return StopNcii(source, credentials, http)


class StopNcii:
    """Reads hashes, sends feedback on them, and hashes of our own.

    Those are sent as the public client of python-threatexchange does it (`SubmitHashes`), and taken
    back with the service's own word for it (`Withdrawn`). MD5 is not sent: there it is of films
    alone, and a bank of ours does not know of what a hash is.
    """

    def __init__(self, source: Source, credentials: Mapping[str, str], http: Http) -> None:
        self._base, self._http = asking.base_of(source.url), http
        self._credentials = credentials

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the next page of the set that is being read, or the first of a new one."""
        at = position(checkpoint)
        since, token = int(at.get("from", _FIRST)), str(at.get("token", ""))
        body = asking.get(self._http, f"{self._base}/FetchHashes", self._headers("fetch"),
                          startTimestamp=since, pageSize=_SIZE, nextPageToken=token)  # fmt: skip
        answer = asking.decoded(body, _Answer)
        following = answer.nextPageToken or ""
        if answer.hasMoreRecords and (not following or following == token):
            raise SourceError("It repeats a page.")
        changes, faults = [], []
        for record in answer.hashRecords:
            try:
                change = _change(record)
            except (ValueError, TypeError, KeyError, OverflowError, OSError) as fault:
                faults.append(f"a record cannot be read ({type(fault).__name__})")
                continue
            if change is not None:
                changes.append(change)
        # A set that ends before it began, or in the future, must not hide what comes.
        newest = min(max(since, answer.nextSetTimestamp), int(now.timestamp()))
        place = mark(**{"from": since, "token": following}) if answer.hasMoreRecords else mark(
            **{"from": max(since, newest), "token": ""})  # fmt: skip
        return Page(changes=tuple(changes), checkpoint=place, more=answer.hasMoreRecords,
                    faults=tuple(faults))  # fmt: skip

    def send(self, saying: Saying) -> Told:
        """Send feedback on one hash."""
        if not self._credentials.get("feedback"):
            return Told("failed", "There is no key for sending feedback.")
        value = saying.value.decode() if saying.kind == "link" else saying.value.hex()
        word = {"hashValue": value, "feedbackValue": _WORDS[saying.word], "tags": []}
        body = asking.as_json({"count": 1, "hashFeedbacks": [word]})
        headers = self._headers("feedback") | {"content-type": "application/json"}
        return asking.put(self._http, "POST", f"{self._base}/SubmitFeedback", headers, body)

    def submit(self, offer: Offer, now: datetime) -> Given:
        """Send one hash or address that we found to be an intimate image without consent."""
        kind = _SENT.get(offer.kind)
        if kind is None or offer.opinion != "positive":
            return Given(
                Told("failed", "StopNCII takes PDQ hashes and links that people confirmed.")
            )
        if not self._credentials.get("submit"):
            return Given(Told("failed", "There is no key for sending hashes (“submit”)."))
        record = {"lastModtimestamp": int(now.timestamp()), "signalType": kind,
                  "hashValue": _text(offer),
                  "CSPFeedbacks": [{"feedbackValue": "Blocked", "tags": []}]}  # fmt: skip
        body = asking.as_json({"count": 1, "hashRecords": [record]})
        headers = self._headers("submit") | {"content-type": "application/json"}
        url = f"{self._base}/SubmitHashes"
        return Given(asking.put(self._http, "POST", url, headers, body))

    def retract(self, offer: Offer, now: datetime) -> Told:
        """Withdraw one that we sent."""
        del now
        if not self._credentials.get("feedback"):
            return Told("failed", "There is no key for sending feedback.")
        word = {"hashValue": _text(offer), "feedbackValue": "Withdrawn", "tags": []}
        body = asking.as_json({"count": 1, "hashFeedbacks": [word]})
        headers = self._headers("feedback") | {"content-type": "application/json"}
        return asking.put(self._http, "POST", f"{self._base}/SubmitFeedback", headers, body)

    def _headers(self, function: str) -> dict[str, str]:
        return {
            "x-functions-key": self._credentials[function],
            "ocp-apim-subscription-key": self._credentials["subscription"],
        }


def _text(offer: Offer) -> str:
    return offer.value.decode() if offer.kind == "link" else offer.value.hex()


def _change(record: dict[str, Any]) -> Change | None:
    """Return what a record says; None for kinds that are not taken."""
    kind = _TAKEN.get(record["signalType"])
    text = str(record["hashValue"])
    if kind is None:
        return None
    source_id = f"{record['signalType']}:{text.lower() if kind != 'link' else text}"[:200]
    at = datetime.fromtimestamp(int(record["lastModtimestamp"]), UTC)
    if record["hashStatus"] in _GONE:
        return Change(source_id=source_id, at=at)
    if kind == "link":
        form = canonical(text)
        if form is None:
            raise ValueError(text)
        value = form.encode()
    else:
        value = bytes.fromhex(text)
    return Change(source_id=source_id, values=(Value(kind, value),), at=at)
