"""docs/walk.md is taken: every row and ledger entry that it names appears, and no other."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from docs_scene import ROOT, prose
from plaza_scene import Visitor, until
from plaza_town import Town, town

from openhaven import staff
from openhaven.core import system

__all__ = ["town"]

PAGE = prose(ROOT / "docs" / "walk.md")
ME = system("operator")
# Kept by the way: what any event leaves, what any look of staff leaves, and what a test's own
# preparation leaves.
ALWAYS = {"accounts", "reads", "sign_in_links", "staff"}


def named(word: str) -> set[str]:
    """Return what stands in backticks, up to a semicolon, in lines that begin with **word:**."""
    lines = re.findall(rf"^\*\*{word}:\*\* ([^;\n]*)", PAGE, re.M)
    return {one for line in lines for one in re.findall(r"`([^`]+)`", line)}


class Console:
    """A reviewer's browser."""

    def __init__(self, url: str, link: str) -> None:
        self.url, self.cookie, self.text, self.status = url, "", "", 0
        self.http = urllib3.PoolManager(retries=False)
        self.send(link)

    def see(self, path: str) -> str:
        return self.ask("GET", path)

    def send(self, path: str, **fields: str) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.text)
        return self.ask("POST", path, fields | ({"csrf": found[1]} if found else {}))

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> str:
        kind = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        answer = self.http.request(
            method, self.url + path, body=urlencode(fields or {}) if kind else None,
            headers={"accept": "text/html", "origin": self.url, "cookie": self.cookie, **kind},
            redirect=False,
        )  # fmt: skip
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.status, self.text = answer.status, answer.data.decode()
        if answer.status == 303:
            return self.see(answer.headers["location"])
        return self.text


class Walk:
    """The people of the walk, and the database that shows what it left."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.url = town.haven.settings.url
        with town.haven.db.begin(ME) as tx:
            roles = ("moderator", "appeals")
            links = [staff.sign_in_link(tx, staff.create(tx, who, roles))
                     for who in ("Reviewer one", "Reviewer two")]  # fmt: skip
        self.links = links
        self.alex = Visitor(town.plaza.url).be("v-alex")
        self.sam = Visitor(town.plaza.url).be("v-sam")

    def all(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.town.haven.db.read() as tx:
            return tx.rows(sql, **params)

    def value(self, sql: str, **params: Any) -> Any:
        with self.town.haven.db.read() as tx:
            return tx.value(sql, **params)

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        sql = "SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'"
        return {row["t"]: int(self.value(f"SELECT count(*) FROM {row['t']}"))
                for row in self.all(sql)}  # fmt: skip

    def task(self, kind: str) -> str:
        sql = "SELECT id FROM tasks WHERE kind = %(k)s AND state = 'open'"
        return str(until(lambda: self.value(sql, k=kind)))

    def settled(self, kinds: int) -> None:
        """Wait until every act is done and the ledger has ordered everything."""
        until(lambda: self.value("SELECT count(*) FROM acts WHERE state = 'done'") >= kinds)
        until(lambda: not self.value("SELECT count(*) FROM ledger_entries WHERE idx IS NULL"))


@pytest.fixture
def walk(town: Town) -> Walk:
    return Walk(town)


def test_the_walk_is_as_the_page_says(walk: Walk) -> None:
    post = walk.alex.send("/posts", text="My neighbour is a fool and so is the cat.")
    assert post
    item = walk.alex.at.rpartition("/")[2]
    until(lambda: not walk.value("SELECT count(*) FROM events WHERE state = 'received'"))
    until(lambda: not walk.value("SELECT count(*) FROM events WHERE NOT tallied"))
    walk.settled(0)
    before, last = walk.counts(), walk.value("SELECT max(idx) FROM ledger_entries")

    thanks = walk.sam.send("/report", item=item, category="bullying", text="About my mum.")
    assert "Thank you for telling us" in thanks
    report = walk.sam.at

    one = Console(walk.url, walk.links[0])
    task = walk.task("review")
    one.see(f"/console/tasks/{task}")
    one.send(f"/console/tasks/{task}/claim")
    pack = walk.town.haven.packs.current.fingerprint
    one.send(f"/console/tasks/{task}/judge", outcome="remove", clause="no-harassment", pack=pack,
             facts="It calls a neighbour a fool.")  # fmt: skip
    walk.settled(2)
    assert "It has been decided" in walk.sam.get(report)

    notices = walk.alex.get("/notices")
    assert "Be kind, or walk away" in notices
    assert "About my mum" not in notices
    link = re.findall(rf'href="{walk.url}(/appeal/[^"]+)"', notices)[0]
    nobody = Console(walk.url, "/sign-in/none")
    nobody.see(link)
    nobody.send(link, text="I meant my own cat.")

    appeal = walk.task("appeal")
    one.see("/console")
    assert "somebody else must look" in one.send(f"/console/tasks/{appeal}/claim")
    assert one.status == 403
    two = Console(walk.url, walk.links[1])
    two.see(f"/console/tasks/{appeal}")
    two.send(f"/console/tasks/{appeal}/claim")
    two.send(f"/console/tasks/{appeal}/judge", outcome="upheld", facts="It is their own cat.")
    walk.settled(4)
    until(lambda: not walk.value("SELECT count(*) FROM events WHERE NOT tallied"))
    walk.settled(4)
    assert "Your appeal was successful" in walk.alex.get("/notices")
    assert nobody.see("/transparency")
    assert nobody.see("/ledger/checkpoint").startswith("openhaven.local/")

    sql = "SELECT DISTINCT kind FROM ledger_entries WHERE idx > %(last)s"
    kinds = {row["kind"] for row in walk.all(sql, last=last)}
    assert kinds == named("Ledger")
    # The worker sums counts up by day, now and then; which of both has grown is a matter of when.
    summed = {"rule_days": "rule_counts"}
    grown = {summed.get(table, table) for table, n in walk.counts().items() if n > before[table]}
    # Tiles are written anew rather than added to, until a tile is full.
    assert grown | {"ledger_tiles"} == named("Rows") | (grown & ALWAYS)
