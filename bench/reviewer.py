"""One simulated reviewer: looks at the queue, claims the next task, judges it; at a steady pace."""

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

import urllib3

_TOKEN = re.compile(rb'name="csrf" value="([^"]+)"')
_PACK = re.compile(rb'name="pack" value="([^"]+)"')
_PATIENCE = 20.0


@dataclass
class Reviewer:
    """A browser that is signed in, and what it saw: milliseconds of pages, tasks it judged."""

    url: str
    cookie: str
    every: float
    dice: random.Random
    pages: list[float] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    actions: int = 0
    broken: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    _csrf: str = ""
    _task: str = ""
    _pack: str = ""

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(maxsize=1, retries=False, timeout=10.0)

    def work(self, until: float) -> None:
        """Do one action in every `every` seconds until a moment of the monotonic clock."""
        following = time.monotonic() + self.dice.random() * self.every
        while following < until:
            time.sleep(max(0.0, following - time.monotonic()))
            following += self.every
            self.actions += 1
            if self._task:
                self._judge()
            else:
                self._claim()

    def _claim(self) -> None:
        if not self._csrf and self._page("/console") is None:
            return
        reply = self._send("/console/next", {})
        where = reply.headers.get("location", "") if reply is not None else ""
        if "/tasks/" not in where:
            self._page("/console")
            return
        body = self._page(where)
        found = _PACK.search(body or b"")
        self._task = where.rpartition("/")[2] if found else ""
        self._pack = found[1].decode() if found else ""

    def _judge(self) -> None:
        task, self._task = self._task, ""
        outcome = "allow" if self.dice.random() < 0.7 else "restrict"
        values = {"outcome": outcome, "clause": "demo", "pack": self._pack, "days": "3",
                  "facts": "Only a word for trying things out."}  # fmt: skip
        reply = self._send(f"/console/tasks/{task}/judge", values)
        if reply is not None and reply.status == 303:
            self.judged.append(task)
            self._page(reply.headers["location"])
        elif reply is not None:
            self.refused[reply.status] += 1

    def _page(self, path: str) -> bytes | None:
        """Ask for a page, again and again while the server is away; keep how long it took."""
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            began = time.perf_counter()
            try:
                reply = self._http.request("GET", self.url + path, headers={"cookie": self.cookie})
            except urllib3.exceptions.HTTPError:
                self.broken += 1
                time.sleep(0.3)
                continue
            self.pages.append((time.perf_counter() - began) * 1_000)
            if reply.status == 200:
                found = _TOKEN.search(reply.data)
                self._csrf = found[1].decode() if found else self._csrf
                return reply.data
            self.broken += 1
            return None
        return None

    def _send(self, path: str, values: dict[str, str]) -> urllib3.BaseHTTPResponse | None:
        """Send a form once; None when no answer came, so nobody knows whether it arrived."""
        headers = {"cookie": self.cookie, "content-type": "application/x-www-form-urlencoded"}
        body = urlencode({"csrf": self._csrf, **values})
        try:
            return self._http.request("POST", self.url + path, body=body, headers=headers,
                                      redirect=False)  # fmt: skip
        except urllib3.exceptions.HTTPError:
            self.broken += 1
            return None
