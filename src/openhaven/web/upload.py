"""Forms that carry files (`multipart/form-data`, RFC 7578), read strictly and in memory."""

import re

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.web.urls import Form, readable

_MOST_PARTS = 200
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))', re.ASCII | re.I)
_NAME = re.compile(rb'[;\s]name="([^"]*)"', re.I)
_FILE = re.compile(rb"[;\s]filename\*?=", re.I)


def parse_upload(content_type: str, body: bytes) -> tuple[Form, dict[str, bytes]]:
    """Return the fields and, by the name of their field, the files of a form.

    What a file is called is not read: nobody here needs it. Raises `Problem` (400) for a body that
    is none of this kind.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _bad("It names no boundary.")
    mark = b"\r\n--" + (found[1] or found[2]).encode("ascii", "replace")
    if body.count(mark) > _MOST_PARTS:
        raise _bad(f"It has more than {_MOST_PARTS} parts.")
    pieces = (b"\r\n" + body).split(mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _bad("It is not complete.")
    pairs: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        name, content, is_file = _part(piece)
        if is_file:
            files.setdefault(name, content)
        else:
            pairs.append((name, readable(content, "form")))
    return Form(pairs), files


def _part(piece: bytes) -> tuple[str, bytes, bool]:
    head, gap, content = piece.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if line[:20].lower() == b"content-disposition:"]
    name = _NAME.search(lines[0]) if lines else None
    if not gap or name is None:
        raise _bad("A part of it has no name.")
    return readable(name[1], "form"), content, _FILE.search(lines[0]) is not None


def _bad(detail: str) -> Problem:
    return Problem("form.unreadable", mark("This form cannot be read."), detail,
                   next_step=mark("Open the page again and send the form from there."))  # fmt: skip
