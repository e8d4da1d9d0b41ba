"""Somebody with a browser that knows cookies and forms, and nothing else."""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from web_scene import Place, Reply

PAGE = {"accept": "text/html"}


@dataclass
class Visitor:
    """One person's browser: keeps the cookie, sends the token that the last page held."""

    place: Place
    cookie: str = ""
    csrf: str = ""
    seen: list[str] = field(default_factory=list)

    def enter(self, link: str) -> "Visitor":
        """Sign in with a link."""
        reply = self.place.ask("POST", link, b"", self._headers(form=True))
        assert reply.status == 303, reply.body
        self.cookie = reply.headers["set-cookie"].partition(";")[0]
        return self

    def get(self, path: str) -> Reply:
        """Ask for a page; remember the token of its forms."""
        reply = self.place.ask("GET", path, headers=self._headers())
        if found := re.search(rb'name="csrf" value="([^"]+)"', reply.body):
            self.csrf = found[1].decode()
        return reply

    def post(self, path: str, **fields: str) -> Reply:
        """Send a form."""
        body = urlencode({"csrf": self.csrf, **fields} if self.csrf else fields).encode()
        return self.place.ask("POST", path, body, self._headers(form=True))

    def text(self, path: str) -> str:
        """Return what a page says, without tags; it must be there."""
        reply = self.get(path)
        assert reply.status == 200, (path, reply.status, reply.body[-2000:])
        return words(reply)

    def _headers(self, *, form: bool = False) -> dict[str, str]:
        headers = dict(PAGE)
        if self.cookie:
            headers["cookie"] = self.cookie
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        return headers


def words(reply: Reply) -> str:
    """Return the text of a page's content with single spaces."""
    body = reply.body.decode().partition("<main")[2].partition("</main>")[0]
    plain = html.unescape(re.sub(r"<[^>]+>", " ", body.partition(">")[2]))
    return re.sub(r"\s+", " ", plain).strip()
