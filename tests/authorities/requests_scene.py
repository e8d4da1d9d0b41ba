"""A house in which authorities ask for data: two who handle it, an account, and each step."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven import intake, staff
from openhaven.authorities import requests
from openhaven.authorities.requests import actions, answering, narrowing, store
from openhaven.authorities.requests.model import Asked, Request, Subject, Wanted
from openhaven.core import Actor, new_id, system, utcnow
from openhaven.intake import Event
from openhaven.line import Haven
from openhaven.staff import approvals

OPERATOR = system("operator")
DAY = timedelta(days=1)
SAYS = answering.Says("Here", "https://here.example")


@dataclass
class Bureau:
    """What the tests of requests need at hand: people, a platform, an account that wrote twice."""

    haven: Haven
    platform: str
    ada: Actor
    ben: Actor
    account: str
    key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    @property
    def subject(self) -> Subject:
        return Subject(self.platform, self.account)

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.haven.db.read() as tx:
            return tx.rows(sql, **params)

    def now_is(self, request: str) -> Request:
        with self.haven.db.read() as tx:
            return store.request(tx, request)

    # The steps, each in a transaction of its own --------------------------------------------

    def receive(self, kind: str = "warrant", via: str = "letter", letter: bytes = b"",
                now: datetime | None = None, **said: Any) -> requests.actions.Made:  # fmt: skip
        life = said.pop("life", False)
        asked = Asked(**({"authority": "Police of Here", "what": "The account, all of it.",
                          "reference": "R-1", "phone": "+49 30 1234567"} | said))  # fmt: skip
        with self.haven.db.begin(OPERATOR, now) as tx:
            return actions.receive(
                tx, kind, "DE", via, asked, life=life, letter=letter,
                contacts=self.haven.settings.authorities.life_contacts,
            )  # fmt: skip

    def call_back(self, request: str, result: str = "genuine", number: str = "+49 30 7654321",
                  who: Actor | None = None, **more: str) -> bool:  # fmt: skip
        with self.haven.db.begin(who or self.ada) as tx:
            more = {"origin": "register"} | more
            return actions.note_check(tx, request, "call_back", result, number=number, **more)

    def lawful(self, request: str, **more: str) -> None:
        with self.haven.db.begin(self.ada) as tx:
            actions.check_law(tx, request, list(actions.QUESTIONS), note="The law says so.", **more)

    def wanted(self, **changes: Any) -> Wanted:
        now = utcnow()
        fields: dict[str, Any] = {
            "categories": ("subscriber", "content"), "subjects": (self.subject,),
            "since": now - 30 * DAY, "until": now, "why": "Because of one post.",
        }  # fmt: skip
        return Wanted(**(fields | changes))

    def narrow(self, request: str, who: Actor | None = None, **changes: Any) -> str:
        with self.haven.db.begin(who or self.ada) as tx:
            return narrowing.narrow(tx, request, self.wanted(**changes))

    def ask(self, request: str, who: Actor | None = None) -> str:
        with self.haven.db.begin(who or self.ada) as tx:
            return narrowing.ask(tx, request)

    def agree(self, approval: str, who: Actor | None = None, yes: bool = True) -> None:
        with self.haven.db.begin(who or self.ben) as tx:
            approvals.answer(tx, approval, yes, "" if yes else "Too much.")
            narrowing.follow(tx)

    def give_key(self, request: str) -> None:
        with self.haven.db.begin(self.ada) as tx:
            actions.set_key(tx, request, self.public, confirmed=True)

    def produce(self, request: str, now: datetime | None = None) -> str:
        house = self.haven
        return answering.produce(house.vault, house.blobs, house.signer, self.ada, request, SAYS,
                                 now)  # fmt: skip

    def approved(self, kind: str = "warrant", **changes: Any) -> str:
        """Take a request up to the point where it may be answered."""
        made = self.receive(kind)
        self.call_back(made.id)
        self.lawful(made.id, **({"treaty": "A treaty"} if kind == "foreign" else {}))
        self.narrow(made.id, **changes)
        self.agree(self.ask(made.id))
        self.give_key(made.id)
        return made.id


def bureau(haven: Haven) -> Bureau:
    """Add a platform, two people of two roles, and an account that wrote two posts."""
    some = new_id("s")[-8:]
    with haven.db.begin(OPERATOR) as tx:
        platform, _ = intake.add_platform(tx, f"here-{some}")
        ada = staff.create(tx, f"ada-{some}", ("specialist",))
        ben = staff.create(tx, f"ben-{some}", ("administrator",))
    actors = (Actor("staff", one.id, one.roles) for one in (ada, ben))
    made = Bureau(haven, platform, *actors, account=f"a-{some}")
    post(made, made.account, "", kind="account.create", item=None,
         context={"email": f"{made.account}@people.example"})  # fmt: skip
    post(made, made.account, "What it wrote.")
    return made


def post(at: Bureau, account: str, text: str, when: datetime | None = None, **more: Any) -> None:
    """Let an account post something."""
    moment = (when or utcnow() - timedelta(hours=1)).astimezone(UTC)
    body = {"id": new_id("e"), "kind": "post.create", "at": moment.isoformat(),
            "account": {"id": account, "country": "DE"},
            "item": {"id": new_id("i"), "type": "post", "text": text},
            "context": {"ip": "192.0.2.10"}} | more  # fmt: skip
    with at.haven.db.begin(Actor("platform", at.platform)) as tx:
        assert intake.accept(tx, at.platform, [msgspec.convert(body, Event)])[0] is not None
