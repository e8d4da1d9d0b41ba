"""What only S3 knows: retention, versions and uploads that nobody finished.

Requests are signed as AWS documents it ("Signature Version 4", and "Amazon S3 API Reference":
PutObjectRetention, GetObjectRetention, GetObjectLockConfiguration, ListObjectVersions,
DeleteObject, ListMultipartUploads, AbortMultipartUpload). Stores that speak S3 know the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import urllib3
from lxml import etree

from openhaven.core import Problem, utcnow

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_TIME = "%Y-%m-%dT%H:%M:%SZ"
Query = dict[str, str]


@dataclass(frozen=True)
class Credentials:
    """The two keys of an account with an object store; neither is ever shown."""

    id: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Version:
    """One version of an object, or (with no bytes) the mark that it was deleted."""

    id: str
    size: int
    mark: bool


class Signed:
    """A bucket, asked by signed requests."""

    def __init__(self, endpoint: str, bucket: str, region: str, keys: Credentials) -> None:
        self._base, self._bucket, self._region, self._keys = endpoint, bucket, region, keys
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30))

    def locks(self) -> bool:
        """Say whether the bucket locks objects."""
        found = self._ask("GET", "", {"object-lock": ""}, fine=(200, 400, 404, 501))
        if _text(found, "Code") == "NoSuchBucket":
            raise closed("NoSuchBucket")
        return _text(found, "ObjectLockEnabled") == "Enabled"

    def retain(self, key: str, mode: str, until: datetime) -> None:
        """Lock an object until a moment; raises `FileNotFoundError` when it is not there."""
        body = (
            '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Mode>{mode}</Mode><RetainUntilDate>{until.strftime(_TIME)}</RetainUntilDate>"
            "</Retention>"
        )
        found = self._ask("PUT", key, {"retention": ""}, body.encode(), fine=(200, 204, 404))
        if _text(found, "Code"):
            raise FileNotFoundError(key)

    def retained_until(self, key: str) -> datetime | None:
        """Return until when an object is locked, None when it is not (or not there)."""
        found = _text(self._ask("GET", key, {"retention": ""}, fine=(200, 400, 404)),
                      "RetainUntilDate")  # fmt: skip
        return datetime.fromisoformat(found) if found else None

    def versions(self, key: str) -> list[Version]:
        """Return the versions of an object, the newest first, with the marks of deletion last."""
        found = self._ask("GET", "", {"versions": "", "prefix": key}, fine=(200, 501))
        told = [Version(_text(one, "VersionId"), int(_text(one, "Size") or 0), tag != "Version")
                for tag in ("Version", "DeleteMarker")
                for one in _all(found, tag) if _text(one, "Key") == key]  # fmt: skip
        return [one for one in told if one.id and one.id != "null"]

    def delete(self, key: str, version: str) -> None:
        """Remove one version of an object for good."""
        self._ask("DELETE", key, {"versionId": version}, fine=(200, 204, 404))

    def sweep(self, prefix: str, before: datetime) -> int:
        """Give up the uploads below a prefix that were begun before a moment; return how many."""
        found = self._ask("GET", "", {"uploads": "", "prefix": prefix}, fine=(200, 501))
        begun = [(_text(one, "Key"), _text(one, "UploadId"), _text(one, "Initiated"))
                 for one in _all(found, "Upload")]  # fmt: skip
        old = [
            (key, upload)
            for key, upload, at in begun
            if key.startswith(prefix) and at and datetime.fromisoformat(at) < before
        ]
        for key, upload in old:
            self._ask("DELETE", key, {"uploadId": upload}, fine=(200, 204, 404))
        return len(old)

    # Asking ------------------------------------------------------------------------------------

    def _ask(
        self, method: str, key: str, query: Query, body: bytes = b"",
        fine: tuple[int, ...] = (200,), headers: Query | None = None,
    ) -> etree._Element | None:  # fmt: skip
        """Send a signed request; return what the answer says as XML, None when it says nothing."""
        path = quote(f"{urlsplit(self._base).path}/{self._bucket}" + (f"/{key}" if key else ""))
        asked = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}"
                         for k, v in sorted(query.items()))  # fmt: skip
        url = urlsplit(self._base)
        told = self._headers(method, url.netloc, path, asked, body, headers or {})
        try:
            answer = self._http.request(
                method, f"{url.scheme}://{url.netloc}{path}?{asked}", body=body or None,
                headers=told, retries=urllib3.Retry(2, redirect=False, status=0),
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise away(type(error).__name__) from None
        if answer.status not in fine:
            raise (closed if answer.status in (401, 403) else away)(f"HTTP {answer.status}")
        return _parsed(answer.data)

    def _headers(
        self, method: str, host: str, path: str, query: str, body: bytes, more: Query
    ) -> Query:
        """Return the headers of a request, signed (AWS Signature Version 4)."""
        stamp = utcnow().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        told = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": stamp} | more
        if body:
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            told["content-md5"] = base64.b64encode(md5).decode()
        names = ";".join(sorted(told))
        lines = [f"{name}:{told[name]}" for name in sorted(told)]
        asked = "\n".join([method, path, query, *lines, "", names, digest])
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        told["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._keys.id}/{scope}, SignedHeaders={names}, "
            f"Signature={self._signature(stamp, scope, asked)}"
        )
        return told

    def _signature(self, stamp: str, scope: str, asked: str) -> str:
        key = ("AWS4" + self._keys.secret).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = "\n".join(
            ["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(asked.encode()).hexdigest()]
        )
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _parsed(data: bytes) -> etree._Element | None:
    if not data.strip():
        return None
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError:
        raise away("no XML") from None


def _all(found: etree._Element | None, tag: str) -> Iterator[etree._Element]:
    return iter(()) if found is None else found.iter(f"{{*}}{tag}")


def _text(found: etree._Element | None, tag: str) -> str:
    one = next(_all(found, tag), None)
    return "" if one is None else (one.text or "")


def away(why: str) -> Problem:
    """Return the problem of a store that does not answer, or not as it should."""
    return Problem("objects.away", "The object store does not answer.", why, status=503,
                   next_step="Nothing is lost, and it is tried again by itself. See whether the "
                   "store runs and can be reached.")  # fmt: skip


def closed(why: str) -> Problem:
    """Return the problem of a store that refuses us."""
    return Problem("objects.closed", "The object store refuses us.", why, status=503,
                   next_step="Check the bucket, the keys in [objects] credentials and what they "
                   "may do.")  # fmt: skip
