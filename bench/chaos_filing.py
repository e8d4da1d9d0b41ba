"""Kills the sender of reports at every step, hundreds of times, and counts what has arrived.

A stand-in for the authority's server answers in this process, with faults of its own. Senders are
processes that end themselves with SIGKILL at a point that the seed chooses: before or after a
transaction, before or after a request, or in the middle of a file. Some run two at a time, some
find that the server has deleted what was not finished. At the end everything is looked through for
bytes that should be sealed. The last line is one JSON object.
"""

import argparse
import base64
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from openhaven import evidence, intake, staff
from openhaven.authorities import file, write
from openhaven.authorities.cybertip import Account, Entered, compose, send_next, set_account
from openhaven.authorities.facts import facts_of
from openhaven.connectors import Http
from openhaven.connectors.http import Reply
from openhaven.core import Actor, new_id, system, utcnow
from openhaven.intake import Event
from openhaven.storage import Database, migrate, postgres
from openhaven.storage.database import Tx
from openhaven.storage.settings import Authorities
from plaza.authority import ANY_SCHEMA, FAULTS, Authority, serving

MASTER = bytes(range(32))
WHO = Authorities(established="US", reporter_email="reports@here.example", company="Here Ltd.")
PASSWORD = "a-password-that-nobody-should-see"  # noqa: S105 - of the stand-in
# A filing that has not arrived after so many senders is lost.
MOST_SENDERS = 60
SHARED = Path(__file__).resolve().parents[2] / "shared/standards/ncmec/cybertipline-report.xsd"


# The sender, which dies --------------------------------------------------------------------------


class Fuse:
    """Ends this process at its n-th tick; 0 never does."""

    def __init__(self, ticks: int) -> None:
        self._left = ticks

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalDatabase(Database):
    """A database that may die before or after a commit."""

    fuse: Fuse

    @contextmanager
    def begin(self, actor: Actor, now: datetime | None = None) -> Iterator[Tx]:
        with super().begin(actor, now) as tx:
            yield tx
            self.fuse.tick()
        self.fuse.tick()


class MortalHttp(Http):
    """A way out that may die before, within or after a request."""

    fuse: Fuse

    def send(self, method: str, url: str, **given: Any) -> Reply:
        self.fuse.tick()
        body = given.get("body")
        if body is not None and not isinstance(body, bytes):
            given["body"] = self._pieces(body)
        reply = super().send(method, url, **given)
        self.fuse.tick()
        return reply

    def _pieces(self, body: Iterable[bytes]) -> Iterator[bytes]:
        for piece in body:
            yield piece
            self.fuse.tick()


def sender(url: str, home: str, server: str, ticks: int, log: str) -> None:
    """Carry on what is due; the process ends itself at the given tick."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    db, http = MortalDatabase(url, MASTER, size=2), MortalHttp()
    db.fuse = http.fuse = Fuse(ticks)
    vault = evidence.vault(Path(home), MASTER, db)
    while send_next(db, http, vault, server):
        pass
    db.close()


# The harness -------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came of all runs."""

    runs: int = 0
    kills: int = 0
    finished_once: int = 0
    finished_twice: int = 0
    lost: int = 0
    incomplete: int = 0
    unsealed_bytes_seen: int = 0
    seed: int = 0
    seconds: float = 0.0


@dataclass
class Ring:
    """The house, the stand-in and the dice."""

    db: Database
    vault: evidence.Vault
    home: Path
    authority: Authority
    server: str
    dice: random.Random
    platform: str
    ada: Actor
    secrets: list[bytes] = field(default_factory=list)
    kills: int = 0

    def case(self, account: str) -> str:
        """Make a case with one to three sealed placeholder files."""
        event = msgspec.convert(
            {"id": new_id("e"), "kind": "post.create", "account": {"id": account},
             "at": (utcnow() - timedelta(hours=1)).isoformat(),
             "item": {"id": new_id("i"), "type": "post"}}, Event,
        )  # fmt: skip
        with self.db.begin(Actor("platform", self.platform)) as tx:
            intake.accept(tx, self.platform, [event])
            case, item = new_id("cas"), event.item
            assert item is not None
            tx.run("""INSERT INTO cases (id, platform, item, account, harm, opened_at)
                      VALUES (%(id)s, %(p)s, %(i)s, %(a)s, 'csam.known', %(now)s)""", id=case,
                   p=self.platform, i=item.id, a=account, now=tx.now)  # fmt: skip
        for _ in range(self.dice.randint(1, 3)):
            secret = b"sealed-" + self.dice.randbytes(20)
            self.secrets.append(secret)
            with self.db.begin(self.ada) as tx:
                evidence.receive(self.vault, tx, case, kind="media", source="here", method="chaos",
                                 data=secret * self.dice.randint(1, 400), media_type="image/png",
                                 name="placeholder.png")  # fmt: skip
        return case

    def press(self, case: str) -> str:
        """Write the filing of a case and file it."""
        with self.db.begin(self.ada) as tx:
            body = compose(facts_of(tx, case, "ncmec"), Entered(), WHO, "Here")
            draft = write(tx, case, "ncmec", msgspec.json.encode(body))
            return file(tx, draft.id, draft.version, test=False).id

    def run(self, account: str) -> bool:
        """File one report with senders that die, until it has arrived; say whether it has."""
        filing = self.press(self.case(account))
        for number in range(MOST_SENDERS):
            calm = number > MOST_SENDERS // 2
            self._senders(calm=calm)
            with self.db.read() as tx:
                sql = "SELECT state FROM filings WHERE id = %(f)s"
                if tx.value(sql, f=filing) == "finished":
                    return True
            if self.dice.random() < 0.05:
                self.authority.pass_time(25 * 3600)
            # What rests is due at once: nobody waits here for the pauses between tries, and only
            # every other sender finds what a dead one had still held.
            with self.db.begin(self.ada) as tx:
                tx.run("UPDATE filings SET next_at = now() WHERE state = 'filed'")
                if number % 2:
                    tx.run("UPDATE filings SET lease_until = now() WHERE state = 'filed'")
        return False

    def _senders(self, *, calm: bool) -> None:
        many = 2 if self.dice.random() < 0.2 else 1
        started = []
        for _ in range(many):
            doomed = not calm and self.dice.random() < 0.7
            ticks = self.dice.randint(1, 45) if doomed else 0
            given = (
                self.db.url,
                str(self.home),
                self.server,
                ticks,
                str(self.home / "senders.log"),
            )
            one = _CONTEXT.Process(target=sender, args=given, daemon=True)
            one.start()
            started.append(one)
        for one in started:
            one.join(600)
            self.kills += one.exitcode == -signal.SIGKILL

    def fault(self, path: str) -> str:
        """Choose what goes wrong with a call of the server; mostly nothing does."""
        return self.dice.choice(FAULTS) if path != "/xsd" and self.dice.random() < 0.08 else ""


_CONTEXT = multiprocessing.get_context("forkserver")


def chaos(runs: int, seed: int) -> Tally:
    """File `runs` reports with senders that are killed, and count what arrived."""
    began, dice = time.monotonic(), random.Random(seed)  # noqa: S311
    _CONTEXT.set_forkserver_preload(["bench.chaos_filing"])
    schema = SHARED.read_bytes() if SHARED.exists() else ANY_SCHEMA
    with tempfile.TemporaryDirectory(prefix="oh-chaos-") as folder:
        home = Path(folder)
        server = postgres.start(home, password="for-chaos", say=lambda _: None)  # noqa: S106
        try:
            migrate(server.url)
            db = Database(server.url, MASTER)
            ring = _ring(db, home, Authority(schema, f"here:{PASSWORD}"), dice)
            tally = _all(ring, runs, seed)
            db.close()
        finally:
            server.stop()
        tally.unsealed_bytes_seen += _seen(home, [*ring.secrets, PASSWORD.encode()])
    tally.seconds = round(time.monotonic() - began, 1)
    return tally


def _ring(db: Database, home: Path, authority: Authority, dice: random.Random) -> Ring:
    with db.begin(system("chaos")) as tx:
        platform, _ = intake.add_platform(tx, "here")
        member = staff.create(tx, "ada", ("specialist",))
    ada = Actor("staff", member.id, member.roles)
    with db.begin(ada) as tx:
        set_account(tx, Account("here", PASSWORD))
    vault = evidence.vault(home, MASTER, db)
    return Ring(db, vault, home, authority, "", dice, platform, ada)


def _all(ring: Ring, runs: int, seed: int) -> Tally:
    tally = Tally(runs=runs, seed=seed)
    ring.authority.fault = ring.fault
    with serving(ring.authority) as url:
        ring.server = url
        for number in range(runs):
            account = f"chaos-{number:05d}"
            arrived = ring.run(account)
            mark = f"<espIdentifier>{account}<".encode()
            found = [one for one in ring.authority.finished() if mark in one.document]
            tally.finished_once += len(found) == 1 and arrived
            tally.finished_twice += len(found) > 1
            tally.lost += not found or not arrived
            tally.incomplete += any(len(one.files) != len(one.details) for one in found)
            if number % 20 == 19:
                sys.stderr.write(f"{number + 1} reports, {ring.kills} senders killed\n")
    tally.kills = ring.kills
    with ring.db.read() as tx:
        tally.unsealed_bytes_seen += _seen_in_tables(tx, ring.secrets)
    return tally


def _forms(secrets: Iterable[bytes]) -> list[bytes]:
    """Return what sealed bytes would look like: as they are, as hexadecimal text, as base64."""
    found: list[bytes] = []
    for one in secrets:
        found += [one, one.hex().encode(), base64.b64encode(one)[:-4]]
    return found


def _seen_in_tables(tx: Tx, secrets: list[bytes]) -> int:
    """Count the rows that show bytes which should be sealed."""
    needles, seen = _forms(secrets), 0
    tables = tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in tables:
        for row in tx.rows(f'SELECT t::text AS t FROM "{table["tablename"]}" t'):  # noqa: S608
            text = str(row["t"]).encode()
            seen += any(one in text for one in needles)
    return seen


def _seen(home: Path, secrets: list[bytes]) -> int:
    """Count the files of the house (database, its journal, sealed files, logs) that show any."""
    needles, seen = _forms(secrets), 0
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            seen += any(one in data for one in needles)
    return seen


def main() -> None:
    """Read the number of reports and the seed, run, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=150, help="how many reports are filed")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    tally = chaos(asked.n, asked.seed)
    print(json.dumps(vars(tally)))  # noqa: T201 - the result is what this prints
