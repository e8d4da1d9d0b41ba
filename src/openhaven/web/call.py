"""What a handler gets and gives: a `Call` that passed the door, and an `Answer`.

A handler is a plain function `def handler(call: Call) -> Answer`; it runs in a thread and opens its
own transaction: `with call.haven.db.begin(call.actor, call.now) as tx: …`. It says what is wrong by
raising `Problem`; the door turns that into an RFC 9457 answer or a page.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from openhaven.core import Actor, Permission, Problem, permits
from openhaven.web.json_text import decode
from openhaven.web.upload import parse_upload
from openhaven.web.urls import Form, parse_form

if TYPE_CHECKING:
    from openhaven.line import Haven
    from openhaven.staff import Member
    from openhaven.web.live import Hub

T = TypeVar("T")
_IN_URLS = "/:?#[]@!$&'()*+,;=%~-._"
JSON = "application/json"
PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"
FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"


@dataclass(slots=True)
class Call:
    """One request that may be answered: who asks, for what, with which body.

    `platform` is the platform's id when an API key was shown, else empty. `staff` is the signed-in
    member of staff on pages that need one, and `csrf` the token that every form of theirs carries.
    `files` has the files of an upload by their fields, once `form` was called.
    `path` holds the variables of the URL and `query` its parameters, percent-decoded. Names in
    `headers` and `cookies` are as sent, headers in lower case.
    """

    haven: "Haven"
    method: str
    url_path: str
    actor: Actor
    now: datetime
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    platform: str = ""
    staff: "Member | None" = None
    csrf: str = ""
    content: bytes = b""
    hub: "Hub | None" = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    _form: Form | None = None

    def body(self) -> bytes:
        """Return the raw body, already read and within the route's limit."""
        return self.content

    def json(self, kind: type[T]) -> T:
        """Return the body as `kind`; raises `Problem` (400), with the path of the fault."""
        return decode(self.content, kind)

    def form(self) -> Form:
        """Return the fields of a form that was sent; raises `Problem` (400) for a broken one."""
        if self._form is None:
            kind = self.headers.get("content-type", "")
            if kind.lower().startswith(UPLOAD):
                self._form, self.files = parse_upload(kind, self.content)
            else:
                self._form = parse_form(self.content)
        return self._form

    def may(self, permission: Permission) -> bool:
        """Say whether the one who asks has this permission."""
        return permits(self.actor.roles, permission)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body with its content type, further headers; or a stream instead of a body."""

    status: int = 200
    body: bytes = b""
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


class Refusal(Problem):
    """A problem with headers of its own, such as `WWW-Authenticate`, `Allow` or `Retry-After`."""

    def __init__(
        self, code: str, title: str, detail: str = "", *, status: int, next_step: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code, title, detail, status=status, next_step=next_step)
        self.headers = dict(headers or {})


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with `value` as JSON; `value` is what msgspec can encode (structs, dicts, lists)."""
    return Answer(status, msgspec.json.encode(value), JSON, headers or {})


def as_text(text: str, status: int = 200) -> Answer:
    """Answer with plain text."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def page(call: Call, template: str, status: int = 200, /, **values: Any) -> Answer:
    """Answer with the template `"room/name.html"` filled with `values`.

    Every template also sees `call` (and so `call.staff`, `call.may(…)`, `call.now`), `csrf` (the
    token that each form of staff sends as the field `csrf`) and `service` (the service's name).
    """
    from openhaven.web.pages import render

    return Answer(status, render(call, template, values), HTML)


def see_other(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send the browser to `url` with GET, after a form was accepted (303).

    Whatever may not stand in a header is percent-encoded.
    """
    where = {"location": quote(url, safe=_IN_URLS)}
    return Answer(303, b"", "text/plain; charset=utf-8", {**where, **(headers or {})})
