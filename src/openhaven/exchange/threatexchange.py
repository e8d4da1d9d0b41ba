"""Meta's ThreatExchange: what members of a privacy group say of indicators, by time of update.

Read by `/<group>/threat_updates`. An indicator that any member calls malicious is taken; where
another one says that it is not, or nobody is sure, it goes to the doubtful bank, whose matches
never act. What is called harmless alone is not taken: that takes two people here. The service keeps
deletions for 90 days, so that who stayed away longer reads everything again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

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
    StartAgainError,
    Told,
    Value,
    mark,
    position,
)
from openhaven.exchange.sending.model import Given, Offer
from openhaven.signals.banks.model import Kind
from openhaven.signals.links import canonical

_SIZE = 500
_DAYS = 85
_FIELDS = "id,indicator,type,last_updated,should_delete,descriptors{id,owner{id},tags,status}"
_TAKEN: Mapping[str, Kind] = {
    "HASH_PDQ": "pdq", "HASH_MD5": "md5", "HASH_VIDEO_MD5": "md5", "HASH_SHA1": "sha1",
    "HASH_SHA256": "sha256", "HASH_VIDEO_SHA256": "sha256", "URI": "link", "RAW_URI": "link",
}  # fmt: skip
_SENT: Mapping[Kind, str] = {
    "pdq": "HASH_PDQ", "md5": "HASH_MD5", "sha1": "HASH_SHA1", "sha256": "HASH_SHA256",
    "link": "URI",
}  # fmt: skip
_STATUS = {"positive": "MALICIOUS", "investigate": "SUSPICIOUS"}
_SHARE_LEVELS = ("WHITE", "GREEN", "AMBER", "RED")
_DESCRIPTOR = "descriptor:"
_WORDS = {"confirm": "HELPFUL", "false_match": "DISAGREE_WITH_TAGS"}


class _Answer(msgspec.Struct):
    data: list[dict[str, Any]]
    paging: dict[str, Any] = {}


def open_source(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return the reader. Credentials: `token`; config: `group`, the number of the group.

    For entries that are sent there, config may have `share_level` (AMBER without it) and `tags`.
    """
    if not credentials.get("token"):
        raise Problem("source.credentials", "ThreatExchange wants an access token.",
                      next_step="Put token=… into a file for --credentials.")  # fmt: skip
    if not str(source.config.get("group", "")).isdigit():
        raise Problem("source.config", "ThreatExchange wants the number of a privacy group.",
                      next_step="Give it with --set group=….")  # fmt: skip
    if source.config.get("share_level", "AMBER") not in _SHARE_LEVELS:
        raise Problem("source.config", "This is no share level of ThreatExchange.",
                      next_step="Use one of: " + ", ".join(_SHARE_LEVELS))  # fmt: skip
    return ThreatExchange(source, credentials, http)


class ThreatExchange:
    """Reads the updates of one privacy group, sends reactions, and our own entries.

    Entries are documented at https://developers.facebook.com/docs/threat-exchange/reference: they
    become descriptors that this group alone sees, and are taken back by letting them expire.
    """

    def __init__(self, source: Source, credentials: Mapping[str, str], http: Http) -> None:
        self._base, self._http = asking.base_of(source.url), http
        self._token, self._group = credentials["token"], str(source.config["group"])
        self._level = str(source.config.get("share_level", "AMBER"))
        self._tags = str(source.config.get("tags", ""))

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the next page of updates."""
        at, today = position(checkpoint), int(now.timestamp())
        done = int(at.get("done", today))
        if today - done > _DAYS * 86_400:
            raise StartAgainError("It was not read for so long that deletions may be missing.")
        since, newest = int(at.get("since", 0)), int(at.get("newest", 0))
        starts, after = not checkpoint, str(at.get("after", ""))
        first = starts or bool(at.get("first"))
        body = asking.get(
            self._http, f"{self._base}/{self._group}/threat_updates", {},
            access_token=self._token, fields=_FIELDS, limit=_SIZE, start_time=since or None,
            after=after,
        )  # fmt: skip
        answer = asking.decoded(body, _Answer)
        changes, faults = [], []
        for update in answer.data:
            try:
                newest = max(newest, int(update["last_updated"]))
                change = _change(update)
            except (ValueError, TypeError, KeyError, OverflowError, OSError) as fault:
                faults.append(f"an update cannot be read ({type(fault).__name__})")
                continue
            if change is not None:
                changes.append(change)
        following = self._following(answer, after)
        if following:
            place = mark(since=since, after=following, newest=newest, done=done, first=first)
        else:
            place = mark(since=max(since, min(newest, today)), done=today)
        return Page(changes=tuple(changes), checkpoint=place, more=bool(following), starts=starts,
                    ends=first and not following, faults=tuple(faults))  # fmt: skip

    def send(self, saying: Saying) -> Told:
        """React to the first descriptor of the indicator."""
        number = next(
            (tag.removeprefix(_DESCRIPTOR) for tag in saying.tags if tag.startswith(_DESCRIPTOR)),
            "",
        )
        if not number.isdigit():
            return Told("failed", "Nobody's opinion on it is known, to which one could react.")
        body = asking.as_json({"access_token": self._token, "reactions": _WORDS[saying.word]})
        headers = {"content-type": "application/json"}
        return asking.put(self._http, "POST", f"{self._base}/{number}", headers, body)

    def submit(self, offer: Offer, now: datetime) -> Given:
        """Give our opinion on an indicator to the group."""
        del now
        kind = _SENT.get(offer.kind)
        if kind is None:
            return Given(Told("failed", f"ThreatExchange takes nothing of the kind {offer.kind}."))
        value = offer.value.decode() if offer.kind == "link" else offer.value.hex()
        said = {
            "access_token": self._token, "indicator": value, "type": kind,
            "description": "An entry of a bank of ours, kept by people.",
            "status": _STATUS[offer.opinion], "share_level": self._level,
            "privacy_type": "HAS_PRIVACY_GROUP", "privacy_members": self._group,
        }  # fmt: skip
        told, body = self._post(
            "threat_descriptors", said | ({"tags": self._tags} if self._tags else {})
        )
        if told.state != "sent":
            return Given(told)
        number = _number(body)
        if not number:
            return Given(Told("retry", "It took the entry and did not say what it calls it."))
        return Given(told, number)

    def retract(self, offer: Offer, now: datetime) -> Told:
        """Let our opinion expire."""
        if not offer.remote.isdigit():
            return Told("failed", "What ThreatExchange calls this entry is not known.")
        ends = {"access_token": self._token, "expired_on": int(now.timestamp())}
        return self._post(offer.remote, ends)[0]

    def _post(self, path: str, said: Mapping[str, Any]) -> tuple[Told, bytes]:
        headers = {"content-type": "application/json"}
        url = f"{self._base}/{path}"
        return asking.put_and_hear(self._http, "POST", url, headers, asking.as_json(dict(said)))

    def _following(self, answer: _Answer, after: str) -> str:
        """Return the cursor of the next page; its address is not followed, only read."""
        address = answer.paging.get("next")
        if not isinstance(address, str) or not address:
            return ""
        cursor = parse_qs(urlsplit(address).query).get("after", [""])[0]
        if not cursor or cursor == after:
            raise SourceError("It repeats a page.")
        return cursor


def _number(body: bytes) -> str:
    """Return the number that an answer gives to a descriptor, or nothing."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any]).get("id", "")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return str(found) if str(found).isdigit() else ""


def _change(update: dict[str, Any]) -> Change | None:
    """Return what an update says; None for kinds of indicators that are not taken."""
    kind = _TAKEN.get(update["type"])
    if kind is None:
        return None
    source_id, at = str(update["id"]), datetime.fromtimestamp(int(update["last_updated"]), UTC)
    said = [] if update.get("should_delete") else update.get("descriptors", {}).get("data", [])
    opinion = _opinion({str(one.get("status")) for one in said})
    if opinion is None:
        return Change(source_id=source_id, at=at)
    text = str(update["indicator"])
    form = canonical(text) if kind == "link" else None
    value = (form or "").encode() if kind == "link" else bytes.fromhex(text)
    tags = [tag for one in said for tag in _tags(one)][:10]
    names = [f"{_DESCRIPTOR}{one['id']}" for one in said if str(one.get("id", "")).isdigit()][:1]
    return Change(source_id=source_id, values=(Value(kind, value),), opinion=opinion,
                  tags=tuple(dict.fromkeys([*names, *tags])), at=at)  # fmt: skip


def _opinion(statuses: set[str]) -> Literal["positive", "investigate"] | None:
    """Return how sure the members are together; None when nobody holds it for harmful."""
    if not statuses or statuses <= {"NON_MALICIOUS"}:
        return None
    agreed = "MALICIOUS" in statuses and "NON_MALICIOUS" not in statuses
    return "positive" if agreed else "investigate"


def _tags(said: dict[str, Any]) -> list[str]:
    tags = said.get("tags", [])
    if isinstance(tags, dict):
        tags = [tag.get("text", "") for tag in tags.get("data", []) if isinstance(tag, dict)]
    return [str(tag) for tag in tags if tag]
