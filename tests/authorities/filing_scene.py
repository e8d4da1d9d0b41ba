"""A specialist's desk with sealed evidence, and a stand-in for the authority's server."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from authorities_scene import Desk, a_case, desk
from PIL import Image

from openhaven import evidence
from openhaven.authorities import Filing, file, write
from openhaven.authorities.cybertip import Account, Entered, compose, send_next, set_account
from openhaven.authorities.facts import facts_of
from openhaven.connectors import Http
from openhaven.core import Actor, utcnow
from openhaven.evidence import Item, Vault
from openhaven.line import Haven
from openhaven.storage.settings import Authorities
from plaza.authority import Authority, Held, serving

WHO = Authorities(established="US", reporter_first_name="Report", reporter_last_name="Desk",
                  reporter_email="reports@here.example", company="Here Ltd.",
                  legal_url="https://here.example/legal")  # fmt: skip


def picture(shade: int) -> bytes:
    """Return a plain placeholder picture."""
    held = io.BytesIO()
    Image.new("RGB", (16, 16), (shade % 256, 128, 128)).save(held, "PNG")
    return held.getvalue()


@dataclass
class Office:
    """Everything that a filing needs, with a clock that can be set forward."""

    desk: Desk
    vault: Vault
    authority: Authority
    url: str
    http: Http = field(default_factory=Http)
    ahead: timedelta = timedelta()
    faults: list[str] = field(default_factory=list)

    @property
    def haven(self) -> Haven:
        return self.desk.haven

    def case(self, pictures: int = 1, **changes: Any) -> str:
        case = a_case(self.desk, at=(utcnow() - timedelta(hours=1)).isoformat(), **changes)
        for number in range(pictures):
            self.seal(case, picture(number))
        return case

    def seal(self, case: str, data: bytes, name: str = "picture.png") -> Item:
        with self.haven.db.begin(self.desk.ada) as tx:
            return evidence.receive(
                self.vault, tx, case, kind="media", source="here", method="copy of the platform",
                data=data, media_type="image/png", name=name,
            )  # fmt: skip

    def draft(self, case: str, number: int = 0, who: Actor | None = None, **given: Any) -> Filing:
        with self.haven.db.begin(who or self.desk.ada) as tx:
            body = compose(facts_of(tx, case, "ncmec"), Entered(**given), WHO, "Here")
            return write(tx, case, "ncmec", msgspec.json.encode(body), number=number)

    def press(self, filing: Filing, who: Actor | None = None) -> Filing:
        with self.haven.db.begin(who or self.desk.ada) as tx:
            return file(tx, filing.id, filing.version, test=False)

    def send(self) -> bool:
        """Let the sender carry on what is due, at once."""
        with self.haven.db.begin(self.desk.ada) as tx:
            # The next try is brought forward, so that no test has to wait for it.
            tx.run("UPDATE filings SET next_at = now() WHERE next_at IS NOT NULL")
        return send_next(self.haven.db, self.http, self.vault, self.url)

    def until_quiet(self, most: int = 40) -> None:
        for _ in range(most):
            if not self.send():
                return
        raise AssertionError("the sender does not come to rest")

    def filing(self, filing: Filing) -> Filing:
        with self.haven.db.read() as tx:
            return tx.one("SELECT * FROM filings WHERE id = %(i)s", Filing, i=filing.id) or filing

    def finished(self) -> list[Held]:
        return self.authority.finished()

    def fault(self, where: str, what: str, times: int = 1) -> None:
        """Order a fault for the next calls of a path."""
        left, before = [times], self.authority.fault

        def fault(path: str) -> str:
            if path != where or not left[0]:
                return before(path)
            left[0] -= 1
            return what

        self.authority.fault = fault


@contextmanager
def office(haven: Haven, schema: bytes) -> Iterator[Office]:
    """Open the desk, with an account at a stand-in for the authority."""
    authority = Authority(schema, "here:a password of tests")
    with serving(authority) as url:
        found = Office(desk(haven), vault(haven), authority, url)
        with haven.db.begin(found.desk.ada) as tx:
            # The house is shared by a file of tests: what another one left is not ours.
            tx.run("UPDATE filings SET next_at = NULL")
            tx.run("DELETE FROM authority_schemas")
            set_account(tx, Account("here", "a password of tests"))
        yield found


def vault(haven: Haven) -> Vault:
    return evidence.vault(haven.settings.home, bytes.fromhex(haven.secrets.master), haven.db)


def schema_of(shared: Path) -> bytes:
    return (shared / "standards/ncmec/cybertipline-report.xsd").read_bytes()


__all__ = ["WHO", "Callable", "Office", "datetime", "office", "picture", "schema_of", "vault"]
