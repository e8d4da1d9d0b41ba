"""NCMEC's hash-sharing service, version 2: entries in XML, by the time of their last change.

Documented at https://report.cybertip.org/hashsharing/v2/documentation. Each entry of a member has
several fingerprints; MD5, SHA-1 and PDQ are taken. Entries do not come in the order of time, so
that a window is read to its end before the next one begins where the newest entry was.
"""

import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

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
from openhaven.signals.banks.model import Kind

_SPACE = "https://hashsharing.ncmec.org/hashsharing/v2"
_BEGINNING = "2000-01-01T00:00:00Z"
_TAKEN: Mapping[str, Kind] = {"md5": "md5", "sha1": "sha1", "pdq": "pdq"}
_NAMES: Mapping[Kind, str] = {"md5": "MD5", "sha1": "SHA1", "pdq": "PDQ"}
_GONE = {"deletedimage": "image", "deletedvideo": "video"}


def open_source(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return the reader. Credentials: `user` and `password`; config: `reason`, for feedback."""
    if not credentials.get("user") or not credentials.get("password"):
        raise Problem("source.credentials", "NCMEC gives a user name and a password.",
                      next_step="Put user=… and password=… into a file for --credentials.",
                      )  # fmt: skip
    return Ncmec(source, credentials, http)


class Ncmec:
    """Reads entries, and sends feedback on them."""

    def __init__(self, source: Source, credentials: Mapping[str, str], http: Http) -> None:
        self._base = asking.base_of(source.url).removesuffix("/v2")
        self._reason = str(source.config.get("reason", ""))
        self._http = http
        login = f"{credentials['user']}:{credentials['password']}".encode()
        self._headers = {"authorization": "Basic " + b64encode(login).decode()}

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the next page of the window that is being read, or the first of a new one."""
        at = position(checkpoint)
        since, newest = str(at.get("from", _BEGINNING)), str(at.get("newest", ""))
        following = str(at.get("next", ""))
        root = self._page(following, since, now)
        changes, faults = [], []
        for group in (*root.iterfind("images"), *root.iterfind("videos")):
            newest = max(newest, _time_text(group.get("maxTimestamp", "")))
            for entry in group:
                try:
                    changes.append(_change(entry))
                except ValueError as fault:
                    faults.append(str(fault))
        after = (root.findtext("paging/next") or "").strip()
        if after and after == following:
            raise SourceError("It repeats a page.")
        if after:
            place = mark(**{"from": since, "next": after, "newest": newest})
        else:
            # The newest entry that was seen, by the other side's clock: ours may be ahead of it.
            # What claims to be of the future would hide what comes until then.
            place = mark(**{"from": max(since, min(newest, _told(now))), "next": "", "newest": ""})
        return Page(changes=tuple(changes), checkpoint=place, more=bool(after),
                    faults=tuple(faults))  # fmt: skip

    def send(self, saying: Saying) -> Told:
        """Send affirmative or negative feedback on one fingerprint of an entry."""
        member, _, entry = saying.source_id.partition("/")
        if saying.kind not in _NAMES or not entry:
            return Told("failed", "NCMEC takes feedback only on MD5, SHA-1 and PDQ.")
        root = ET.Element("feedbackSubmission", {"xmlns": _SPACE})
        if saying.word == "confirm":
            ET.SubElement(root, "affirmative")
        else:
            try:
                reason = self._reason or self._only_reason(saying.kind)
            except SourceError as error:
                return Told("retry", str(error))
            if not reason:
                return Told("failed", "NCMEC wants a reason: set “reason” of this source.")
            reasons = ET.SubElement(ET.SubElement(root, "negative"), "reasonIds")
            ET.SubElement(reasons, "guid").text = reason
        path = f"{quote(member, safe='')}/{quote(entry, safe='')}/{_NAMES[saying.kind]}/feedback"
        headers = self._headers | {"content-type": "application/xml; charset=utf-8"}
        url = f"{self._base}/v2/entries/{path}"
        return asking.put(self._http, "PUT", url, headers, ET.tostring(root))

    def _page(self, following: str, since: str, now: datetime) -> ET.Element:
        if not following:
            query = {"from": since, "to": _told(now)}
            body = asking.get(self._http, f"{self._base}/v2/entries", self._headers, **query)
        elif following.startswith("/v2/entries?"):
            body = asking.get(self._http, self._base + following, self._headers)
        else:
            raise SourceError("The next page is not at the place where entries are.")
        return _parsed(body, "queryResult")

    def _only_reason(self, kind: Kind) -> str:
        """Return the one reason there is for negative feedback; empty when one must be chosen."""
        url = f"{self._base}/v2/feedback/{_NAMES[kind]}/reasons"
        root = _parsed(asking.get(self._http, url, self._headers), "availableFeedbackReasons")
        found = [reason.get("guid", "") for reason in root.iterfind("reason")]
        return found[0] if len(found) == 1 else ""


class _Builder(ET.TreeBuilder):
    """Builds a tree, and refuses a document type: only that could declare entities."""

    def doctype(self, *said: str | None) -> None:
        """Refuse it, as soon as the parser meets one, in whatever encoding the document is."""
        del said
        raise SourceError("The answer declares entities, which no answer of NCMEC does.")


def _parsed(body: bytes, name: str) -> ET.Element:
    """Return the root of a document, names without their namespace."""
    try:
        root = ET.fromstring(body, ET.XMLParser(target=_Builder()))  # noqa: S314 (no entities)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise SourceError("The answer is no whole XML document.") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != name:
        raise SourceError("The answer is another document than was asked for.")
    return root


def _change(entry: ET.Element) -> Change:
    """Return what an entry says; raises `ValueError` with the reason when it cannot be used."""
    member = entry.find("member")
    number = member.get("id", "") if member is not None else ""
    name = (entry.findtext("id") or "").strip()
    if not number or not name:
        raise ValueError("an entry has no id or no member")
    source_id, tag = f"{number}/{name}", entry.tag.lower()
    at = _moment(entry.findtext("timestamp") or "")
    if tag in _GONE:
        return Change(source_id=source_id, at=at)
    if tag not in ("image", "video"):
        raise ValueError(f"an entry is of the unknown kind {entry.tag[:20]}")
    tags = (tag, *filter(None, [(entry.findtext("classification") or "").strip()]))
    return Change(source_id=source_id, values=tuple(_values(entry)), tags=tags, at=at)


def _values(entry: ET.Element) -> Iterator[Value]:
    for print_ in entry.iterfind("fingerprints/*"):
        kind = _TAKEN.get(print_.tag.lower())
        if kind is None:
            continue
        try:
            yield Value(kind, bytes.fromhex((print_.text or "").strip()))
        except ValueError:
            raise ValueError(f"a fingerprint of kind {kind} is not hexadecimal") from None


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _time_text(text: str) -> str:
    at = _moment(text)
    return "" if at is None else _told(at)


def _told(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
