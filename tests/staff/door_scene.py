"""The door of a house with a name, and people who sign in at it over HTTP."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from web_scene import Place, Reply, serving

from openhaven import staff
from openhaven.core import Actor

if TYPE_CHECKING:
    from openhaven.line import Haven

ME = Actor("system", "test")
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


@dataclass
class Visitor:
    """A browser: it keeps cookies and the token of the last page."""

    place: Place
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

    def see(self, path: str) -> Reply:
        return self._ask("GET", path, None, {"accept": "text/html"})

    def send(self, path: str, **fields: str | list[str]) -> Reply:
        body = urlencode({"csrf": self.csrf, **fields}, doseq=True).encode()
        return self._ask("POST", path, body, FORM)

    def json(self, path: str, body: Any = None) -> Reply:
        kind = {} if body is None else {"content-type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        return self._ask(
            "POST", path, data, {"accept": "application/json", "x-csrf-token": self.csrf, **kind}
        )

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**headers, "cookie": jar, "user-agent": self.agent}
        given = self.place.pool.request(method, self.place.url + path, body=body, headers=headers,
                                        redirect=False, retries=False, timeout=300)  # fmt: skip
        for line in given.headers.getlist("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        if found := re.search(rb'name="csrf" value="([0-9a-f]{64})"', given.data):
            self.csrf = found[1].decode()
        return Reply(given.status, {k.lower(): v for k, v in given.headers.items()}, given.data)

    @property
    def session(self) -> str:
        return next(
            (v for k, v in self.cookies.items() if "openhaven" in k and k.startswith("__Host")), ""
        )


@contextmanager
def named_house(
    haven: "Haven", url: str = "https://safe.example", **settings: Any
) -> Iterator[Place]:
    """Serve the house under a name, as behind a proxy with TLS."""
    made = msgspec.structs.replace(haven.settings, public_url=url, **settings)
    with serving(dataclasses.replace(haven, settings=made)) as place:
        yield place


def hire(haven: "Haven", name: str, *roles: str) -> staff.Member:
    with haven.db.begin(ME) as tx:
        return staff.create(tx, name, roles or ("moderator",))


def link(haven: "Haven", name: str) -> str:
    with haven.db.begin(ME) as tx:
        return staff.sign_in_link(tx, staff.named(tx, name))


def enter(haven: "Haven", place: Place, name: str) -> Visitor:
    """Sign in with a link and look at one's own page."""
    visitor = Visitor(place)
    assert visitor.send(link(haven, name)).status == 303
    assert visitor.see("/console/account").status == 200
    return visitor


def kinds(haven: "Haven") -> list[str]:
    with haven.db.read() as tx:
        return [row["kind"] for row in tx.rows("SELECT kind FROM ledger_entries ORDER BY at, id")]


def age(haven: "Haven", minutes: int) -> None:
    """Let every session be proven longer ago."""
    with haven.db.begin(ME) as tx:
        tx.run(
            "UPDATE sessions SET proven_at = proven_at - make_interval(mins => %(m)s)", m=minutes
        )
