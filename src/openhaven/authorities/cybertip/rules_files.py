"""The documented rules about a report's files, alone and together."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from openhaven.authorities.cybertip.checking import (
    Fault,
    find,
    is_ip,
    is_url,
    not_past,
    place,
    text,
    too_long,
)
from openhaven.authorities.cybertip.xml import parse

MOST_NAME = 2056
_IN_BATCH = ("originalFileName", "locationOfFile", "originalFileHash", "ipCaptureEvent", "deviceId",
             "details", "additionalInfo")  # fmt: skip
_VIRAL = frozenset({"viral", "potentialMeme"})


def judge_file(
    data: bytes,
    now: datetime,
    *,
    report: str = "",
    files: Collection[str] = (),
    batch: bool = False,
) -> list[Fault]:
    """Return every rule that the details of a file break at `now`; empty when none is broken.

    `report` and `files` are the open report and what was uploaded to it, once there is one. `batch`
    says that the report is one for many accounts. Raises `ValueError` for what is no XML.
    """
    root = parse(data)
    found = [*_views(root), *_relevance(root), *_lengths(root), *_times(root, now), *_address(root)]
    if report:
        found += _belongs(root, report, files)
    return found + list(_batched(root) if batch else ())


def judge_files(given: Mapping[str, bytes], *, batch: bool) -> list[Fault]:
    """Return what is wrong with the files of a report together, by what each one states."""
    faults = []
    if batch and len(given) != 1:
        faults.append(Fault("B03", "/report", "A batch has exactly one file."))
    return faults


def _views(root: Any) -> Iterator[Fault]:
    viewed, exif = (root.findtext(name) for name in ("fileViewedByEsp", "exifViewedByEsp"))
    if exif in ("true", "1") and viewed not in ("true", "1"):
        words = "Whose camera data was looked at was looked at."
        yield Fault("F01", "/fileDetails", words)


def _relevance(root: Any) -> Iterator[Fault]:
    if root.findtext("fileRelevance") != "Supplemental Reported":
        return
    for one in find(root, "//potentialMeme | /fileDetails/industryClassification"):
        yield Fault("F02", place(one), "A supplement is neither a meme nor classified.")


def _belongs(root: Any, report: str, files: Collection[str]) -> Iterator[Fault]:
    if root.findtext("reportId") != report or root.findtext("fileId") not in files:
        yield Fault("F03", "/fileDetails", "The file is not one of the open report.")


def _lengths(root: Any) -> Iterator[Fault]:
    yield from too_long(root, "F04", "/fileDetails/originalFileName", MOST_NAME)
    for one in find(root, "/fileDetails/locationOfFile"):
        if not is_url(text(one)):
            yield Fault("F04", place(one), "This is no web address of at most 2083 characters.")
    for one in find(root, "/fileDetails/originalFileHash"):
        if len(one.get("hashType") or "") > 64 or not text(one):
            yield Fault("F06", place(one), "A hash has a kind of at most 64 characters.")
    yield from too_long(root, "F07", "//nameValuePair/name", 64)


def _times(root: Any, now: datetime) -> Iterator[Fault]:
    yield from not_past(root, "F05", "/fileDetails/uploadedToEspTimestamp", now)
    yield from not_past(root, "R10", "//ipCaptureEvent/dateTime | //deviceId/dateTime", now)


def _address(root: Any) -> Iterator[Fault]:
    if len(find(root, "/fileDetails/ipCaptureEvent")) > 1:
        yield Fault("F08", "/fileDetails", "A file has one address at most.")
    for one in find(root, "//ipCaptureEvent/ipAddress"):
        if not is_ip(text(one)):
            yield Fault("R08", place(one), "This is no IPv4 or IPv6 address.")
    for one in find(root, "//ipCaptureEvent/port"):
        if not (text(one).isdecimal() and 1 <= int(text(one)) <= 65535):
            yield Fault("R09", place(one), "A port is a number from 1 to 65535.")


def _batched(root: Any) -> Iterator[Fault]:
    tags = {one.tag for one in find(root, "/fileDetails/fileAnnotations/*")}
    tags |= {one.tag for one in find(root, "/fileDetails/potentialMeme") if text(one) == "true"}
    if not tags & _VIRAL or tags - _VIRAL or root.findtext("fileRelevance") != "Reported":
        words = "The file of a batch is viral or a potential meme, nothing else, and reported."
        yield Fault("B04", "/fileDetails", words)
    for name in _IN_BATCH:
        for one in find(root, f"/fileDetails/{name}"):
            yield Fault("B05", place(one), "In a batch this is not stated of the file.")


FILE_RULES = ("F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "B03", "B04", "B05")
