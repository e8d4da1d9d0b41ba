"""What a handler gets and gives: a `Call` that passed the door, and an `Answer`.

A handler is a plain function `def handler(call: Call) -> Answer`; it runs in a thread and opens its
own transaction: `with call.haven.db.begin(call.actor, call.now) as tx: …`. It says what is wrong by
raising `Problem`; the door turns that into an RFC 9457 answer or a page.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from openhaven.core import Actor, Permission, Problem, permits
from openhaven.core.words import best, translate
from openhaven.web.json_text import decode
from openhaven.web.upload import parse_upload
from openhaven.web.urls import Form, parse_form

if TYPE_CHECKING:
    from openhaven.line import Haven
    from openhaven.staff import Member, Session
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
    member of staff on pages that need one, `session` says how they signed in, and `csrf` is the
    token that every form of theirs carries.
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
    session: "Session | None" = None
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

    @property
    def asked_language(self) -> str:
        """The language that the address asks for (`?lang=`), or ""; links of the page keep it."""
        given = self.query.get("lang", "")
        return best([given], "") if given else ""

    @property
    def language(self) -> str:
        """The language of the answer (BCP 47), one that there is.

        What the address asks for (`lang`, on the API `language`), else what the browser asks for,
        else the operator's. The console of staff is in English.
        """
        if self.staff:
            return "en"
        given = (self.query.get("lang", ""), self.query.get("language", ""))
        wanted = accepted(self.headers.get("accept-language", ""))
        return best([*filter(None, given), *wanted], self.haven.settings.language)

    def in_language(self, code: str) -> str:
        """Return the address of this page in another language."""
        query = {**{name: one for name, one in self.query.items() if name != "lang"}, "lang": code}
        # A path that begins with two slashes would be the name of another host.
        return f"/{quote(self.url_path.lstrip('/'))}?{urlencode(query)}"

    def say(self, text: str, /, **values: object) -> str:
        """Return a sentence (English, with places `{name}`) in the language of the answer."""
        return translate(self.language, text, **values)

    def may(self, permission: Permission) -> bool:
        """Say whether the one who asks has this permission."""
        return permits(self.actor.roles, permission)


def accepted(header: str) -> list[str]:
    """Return the languages of an `Accept-Language` header, most wanted first (RFC 9110, 12.5.4).

    What is not wanted (`q=0`) is left out, and so is a part that cannot be read.
    """
    found = []
    for place, part in enumerate(header.split(",")[:20]):
        language, _, rest = part.partition(";")
        weight = _weight(rest)
        if language.strip() and weight > 0:
            found.append((-weight, place, language.strip()))
    return [language for _, _, language in sorted(found)]


def _weight(parameter: str) -> float:
    text = parameter.replace(" ", "")
    if not text:
        return 1.0
    found = re.fullmatch(r"q=([01](\.\d{0,3})?)", text)
    return float(found[1]) if found else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body with its content type, further headers; or a stream instead of a body.

    `cookies` are further values of `Set-Cookie`, after the one that stands among the headers.
    """

    status: int = 200
    body: bytes = b""
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    cookies: tuple[str, ...] = ()


class Refusal(Problem):
    """A problem with headers of its own, such as `WWW-Authenticate`, `Allow` or `Retry-After`."""

    def __init__(
        self, code: str, title: str, detail: str = "", *, status: int, next_step: str = "",
        values: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code, title, detail, status=status, next_step=next_step, values=values)
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
    token that each form of staff sends as the field `csrf`) and `service` (the service's name), and
    says its sentences with `_` in the language of the call.
    """
    from openhaven.web.pages import render

    headers = {"content-language": call.language}
    return Answer(status, render(call, template, values), HTML, headers)


def see_other(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send the browser to `url` with GET, after a form was accepted (303).

    Whatever may not stand in a header is percent-encoded.
    """
    where = {"location": quote(url, safe=_IN_URLS)}
    return Answer(303, b"", "text/plain; charset=utf-8", {**where, **(headers or {})})
