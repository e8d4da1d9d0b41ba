"""A house in which an account was ended for good, and newcomers with identifiers."""

from dataclasses import dataclass
from typing import Any

import msgspec
from line_scene import NOW, OPERATOR, Scene, post

from openhaven import line
from openhaven.core import Actor, new_id
from openhaven.decisions import penalties
from openhaven.exchange import returning
from openhaven.intake import Event, Identifier
from openhaven.staff import approvals

# None of these is anybody's: the numbers and networks are those set apart for examples.
MAIL = ("email", "Some.One+x@gmail.com")
PHONE = ("phone", "+44 20 7946 0958")
DEVICE = ("device", "7f3a-91c2-device-b")
NET = ("network", "198.51.100.23")
CARD = ("payment", "fp_5Qy1Ua8LmN2")
FACE = ("picture", "ab" * 32)
ALL = (MAIL, PHONE, DEVICE, NET, CARD, FACE)


def ids(*pairs: tuple[str, str]) -> list[Identifier]:
    """Return identifiers of pairs of kind and value."""
    return [msgspec.convert({"kind": kind, "value": value}, Identifier) for kind, value in pairs]


@dataclass
class Return:
    """The scene of the line, with what returning needs."""

    here: Scene
    ana: Actor
    ben: Actor

    @property
    def haven(self) -> Any:
        return self.here.haven

    def ended(self, harm: str = "grooming", account: str = "", band: str = "18-plus") -> str:
        """End an account for good, by two people; return the decision."""
        body = post("Here comes a flumquist",
                    account={"id": account or new_id("old"), "age_band": band})  # fmt: skip
        self.here.accept(body)
        self.here.work()
        task = self.here.verdict(body["id"])["task"]
        with self.haven.db.begin(OPERATOR) as tx:
            tx.run("""UPDATE cases SET harm = %(h)s WHERE id =
                        (SELECT case_id FROM tasks WHERE id = %(t)s)""",
                   h=harm, t=task)  # fmt: skip
        judgement = self.here.judge(self.ana, str(task), "suspend", clause="reports")
        self.here.work()
        with self.haven.db.begin(self.ben) as tx:
            [waiting] = approvals.waiting(tx, "termination")
            approvals.answer(tx, waiting.id, True, "")
            penalties.follow(tx)
        self.here.work()
        [made] = self.here.rows("SELECT id FROM decisions WHERE judgement = %(j)s AND permanent",
                                j=judgement)  # fmt: skip
        return str(made["id"])

    def hand_over(self, decision: str, *pairs: tuple[str, str]) -> Any:
        with self.haven.db.begin(self.here.actor) as tx:
            return returning.hand_over(tx, self.here.platform, decision, ids(*(pairs or ALL)))

    def comes(self, *pairs: tuple[str, str], account: str = "", **more: Any) -> dict[str, Any]:
        """Let somebody sign up; return the verdict."""
        body = {"id": new_id("e"), "kind": "account.create", "at": "2026-11-21T20:00:00Z",
                "account": {"id": account or new_id("new"), "age_band": "18-plus"},
                "identifiers": [{"kind": kind, "value": value} for kind, value in pairs],
                } | more  # fmt: skip
        event = msgspec.convert(body, Event)
        _, verdict = line.answer(self.haven, self.here.actor, NOW, self.here.platform, event)
        assert verdict is not None
        return verdict

    def count(self, table: str, where: str = "true") -> int:
        [row] = self.here.rows(f"SELECT count(*) AS n FROM {table} WHERE {where}")
        return int(row["n"])

    def rows_of(self, table: str) -> list[tuple[str, str]]:
        found = self.here.rows(f"SELECT state, class FROM {table} ORDER BY created_at, id")
        return [(row["state"], row["class"]) for row in found]
