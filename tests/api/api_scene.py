"""A town with two platforms on one wired house, reached over a real socket."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from line_receiver import Receiver
from line_scene import OPERATOR, Scene, event, post
from web_scene import Place, Reply, serving

from openhaven import decisions, intake, staff
from openhaven.core import Actor, new_id
from openhaven.line import Haven

HARMLESS = "What a nice day at the lake."
REMOVE, REVIEW, BLOCK = "zorgblat", "flumquist", "grimzorble"
VERDICT = {"event", "outcome", "reasons", "help", "hold", "decision", "task", "pack"}


def name(kind: str = "x") -> str:
    """Return a name that nothing else in the town has."""
    return new_id(kind)


def body(**changes: Any) -> dict[str, Any]:
    """Return a harmless post of an account of its own."""
    return event(**({"account": {"id": name("a")}} | changes))


def saying(text: str, **changes: Any) -> dict[str, Any]:
    """Return a post with this text, of an account of its own."""
    return post(text, **({"account": {"id": name("a")}} | changes))


@dataclass
class Town:
    """The house, its door, and two platforms that know nothing of each other."""

    haven: Haven
    place: Place
    here: Scene
    there: Scene
    receiver: Receiver
    people: dict[str, Actor] = field(default_factory=dict)
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    # Asking ------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        given: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask the API as platform `here`; `key=""` asks as nobody. Bytes go as they are."""
        shown = {"authorization": f"Bearer {self.here.key if key is None else key}"}
        raw = given if given is None or isinstance(given, bytes) else json.dumps(given).encode()
        kind = {"content-type": "application/json"} if given is not None else {}
        return self.place.ask(
            method, path, raw, kind | (shown if key != "" else {}) | dict(headers or {})
        )

    def send(self, given: Any, query: str = "", key: str | None = None) -> Reply:
        return self.ask("POST", "/v1/events" + query, given, key=key)

    def judged(self, given: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Send an event and return the verdict."""
        reply = self.send(given, "?wait=verdict", key)
        assert reply.status == 200, reply.body
        verdict: dict[str, Any] = reply.json
        return verdict

    def media(self, data: bytes, key: str | None = None) -> Reply:
        return self.ask("POST", "/v1/media", data, key=key, headers={"content-type": "image/png"})

    def goes_on(self) -> None:
        """Check that the line still judges, whatever came before."""
        assert self.judged(saying(REMOVE))["outcome"] == "remove"
        quiet = body()
        assert self.send(quiet).status == 202
        self.work()
        assert self.ask("GET", f"/v1/events/{quiet['id']}").json["outcome"] == "allow"

    # Working -----------------------------------------------------------------------------------

    def work(self) -> None:
        with self.lock:
            self.here.work()

    def person(self, who: str, *roles: str) -> Actor:
        if who not in self.people:
            self.people[who] = self.here.reviewer(who, *roles)
        return self.people[who]

    def judge(self, task: str, outcome: str, who: str = "ana", **values: Any) -> dict[str, Any]:
        """Judge a task as a reviewer and return the decision's row."""
        given = self.here.judge(self.person(who), task, outcome, **values)
        self.work()
        return self.rows("SELECT * FROM decisions WHERE judgement = %(j)s", j=given)[0]

    def decided(self, outcome: str, **values: Any) -> dict[str, Any]:
        """Let a fresh post be judged by a person; return the decision's row."""
        task = self.judged(saying(REVIEW))["task"]
        return self.judge(task, outcome, **values)

    def token(self, decision: str) -> str:
        with self.haven.db.read() as tx:
            return decisions.appeal_token(tx, decision)

    def cookie(self, who: str) -> dict[str, str]:
        """Sign a person in over HTTP, once, and return the header that shows it."""
        if who in self.cookies:
            return self.cookies[who]
        member = self.person(who)
        with self.haven.db.begin(OPERATOR) as tx:
            path = staff.sign_in_link(tx, staff.named(tx, member.id))
        reply = self.place.ask(
            "POST", path, b"", {"content-type": "application/x-www-form-urlencoded"}
        )
        assert reply.status == 303, reply.body
        self.cookies[who] = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
        return self.cookies[who]

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        return self.here.rows(sql, **params)

    def number(self, sql: str, **params: Any) -> int:
        return int(next(iter(self.rows(sql, **params)[0].values())))


def problem(reply: Reply, *statuses: int) -> dict[str, Any]:
    """Check that an answer is an RFC 9457 problem with a plain sentence, and return it."""
    assert reply.status in (statuses or range(400, 500)), (reply.status, reply.body[:500])
    assert reply.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = reply.json
    assert told["status"] == reply.status
    assert told["type"] == f"urn:openhaven:problem:{told['code']}"
    assert told["title"].endswith(".")
    assert "Traceback" not in reply.body.decode()
    return told


def together(*jobs: Any) -> list[Any]:
    """Run all jobs at once, as nearly as threads allow, and return their results in order."""
    gate = threading.Barrier(len(jobs))

    def run(job: Any) -> Any:
        gate.wait(300)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [done.result() for done in [pool.submit(run, job) for job in jobs]]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def town_on(haven: Haven, receiver: Receiver) -> Iterator[Town]:
    """Open the real door of a house with two platforms."""
    scenes = []
    with haven.db.begin(OPERATOR) as tx:
        for which in ("here", "there"):
            platform, _ = intake.add_platform(tx, which, webhook_url=receiver.url)
            key = intake.create_key(tx, which, intake.platform_named(tx, which))
            scenes.append(Scene(haven, platform, key))
    with serving(haven, ()) as place:
        yield Town(haven, place, scenes[0], scenes[1], receiver)
