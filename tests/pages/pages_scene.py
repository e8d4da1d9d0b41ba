"""A house in which something has happened: what the pages show, for tests and for looking at."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

from openhaven import decisions, intake, review, staff
from openhaven.core import Actor, system
from openhaven.intake import Account, Event, Item, MediaFacts, MediaRef, Report, ReportSubject
from openhaven.line import Haven, jobs
from openhaven.storage import Tx

ME = system("test")


def gentle_picture(seed: int = 7) -> bytes:
    """Return a PNG of coloured shapes."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (480, 320), "#f4e9d8")
    draw = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y, r = dice.randrange(480), dice.randrange(320), dice.randrange(20, 90)
        colour = tuple(dice.randrange(60, 230) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@dataclass
class Scene:
    """A house with a platform and staff, and short verbs that make things happen in it."""

    haven: Haven
    platform: str = ""
    people: dict[str, staff.Member] = field(default_factory=dict)
    number: int = 0

    @contextmanager
    def tx(self, who: str = "", at: datetime | None = None) -> Iterator[Tx]:
        actor = Actor("staff", self.people[who].id, self.people[who].roles) if who else ME
        with self.haven.db.begin(actor, at) as tx:
            yield tx

    def begin(self) -> "Scene":
        with self.tx() as tx:
            self.platform, _ = intake.add_platform(tx, "plaza", webhook_url="http://127.0.0.1:9/x")
            for name, roles in (
                ("Ana", ("moderator", "appeals")),
                ("Ben", ("moderator", "appeals")),
                ("Ida", ("administrator", "auditor")),
            ):
                self.people[name] = staff.create(tx, name, roles)
        return self

    def link(self, who: str) -> str:
        with self.tx() as tx:
            return staff.sign_in_link(tx, self.people[who])

    def post(self, text: str, account: str = "zoe", **more: Any) -> str:
        """Send a post and let the line judge it; return the item's id."""
        self.number += 1
        item = f"post-{self.number}"
        media = [MediaRef(self.media(one)) for one in more.pop("pictures", ())]
        url = f"https://plaza.example/p/{item}"
        with self.tx() as tx:
            event = Event(
                id=f"evt-{self.number}",
                kind=more.pop("kind", "post.create"),
                at=tx.now - timedelta(minutes=2),
                account=Account(
                    id=account,
                    age_band=more.pop("age_band", "16-17"),
                    country="GB",
                    language=more.pop("language_of", None),
                ),
                item=Item(id=item, text=text, media=tuple(media), language="en", url=url, **more),
            )
            intake.accept(tx, self.platform, [event])
        self.judge()
        return item

    def media(self, data: bytes) -> str:
        seen = self.haven.hasher.hash(data)
        facts = MediaFacts(id="", sha256=seen.sha256, md5=seen.md5, type=seen.type,
                           size=len(data), pdq=seen.pdq, quality=seen.quality,
                           unknown=seen.unknown)  # fmt: skip
        with self.tx() as tx:
            return intake.accept_media(tx, self.haven.blobs, self.platform, data, facts).id

    def report(self, item: str, category: str = "bullying", text: str = "") -> str:
        """Report an item and let the line take it up; return the receipt."""
        with self.tx() as tx:
            subject = ReportSubject(item=item)
            report = Report(subject=subject, category=category, text=text, contact="r@example.org")
            receipt = intake.accept_report(tx, self.platform, report)
        self.judge()
        return receipt

    def judge(self) -> None:
        while jobs.judge_events(self.haven):
            pass

    def tasks(self) -> list[str]:
        with self.haven.db.read() as tx:
            sql = "SELECT id FROM tasks WHERE state IN ('open', 'claimed') ORDER BY opened_at"
            return [str(row["id"]) for row in tx.rows(sql)]

    def task_of(self, item: str) -> str:
        """Return the open task about an item."""
        with self.haven.db.read() as tx:
            sql = """SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id
                     WHERE c.item = %(item)s AND t.state IN ('open', 'claimed')"""
            return str(tx.value(sql, item=item))

    def decide(self, task: str, outcome: str, facts: str, who: str = "Ana", **more: Any) -> str:
        """Claim and judge a task, settle it, and return the decision's id."""
        pack = self.haven.packs.current
        clause = more.pop("clause", next(iter(pack.clauses)))
        with self.tx(who) as tx:
            review.claim(tx, task)
            judgement = review.judge(tx, task, outcome=outcome, clause=clause,
                                     pack=pack.fingerprint, facts=facts, **more)  # fmt: skip
        jobs.settle_judgements(self.haven)
        with self.haven.db.read() as tx:
            return str(tx.value("SELECT id FROM decisions WHERE judgement = %(j)s", j=judgement))

    def decision_of(self, item: str) -> str:
        with self.haven.db.read() as tx:
            sql = "SELECT id FROM decisions WHERE item = %(i)s ORDER BY decided_at DESC LIMIT 1"
            return str(tx.value(sql, i=item))

    def token(self, decision: str) -> str:
        with self.haven.db.read() as tx:
            return decisions.appeal_token(tx, decision)

    def appeal(self, decision: str, text: str) -> None:
        with self.tx() as tx:
            decisions.appeal(tx, decisions.decision(tx, decision), text)

    def deliver(self, error: str | None = None, state: str = "done") -> None:
        """Let every waiting act end in `state`, with the error in words."""
        with self.tx() as tx:
            for act in decisions.claim_acts(tx, 500, timedelta(seconds=1)):
                decisions.finish_act(tx, act, state, error)


def lively(haven: Haven) -> Scene:
    """Return a scene with a bit of everything that a console can show."""
    scene = Scene(haven).begin()
    for number in range(12):
        scene.post(f"A walk by the water, day {number}.", account=f"walker{number % 4}")
    for number in range(7):
        scene.post(f"zorgblat number {number}", account=f"made{number}")
    scene.deliver()
    hurt = scene.post("Nobody here wants you. Everyone hates you, just leave.", account="max",
                      pictures=[gentle_picture(1), gentle_picture(2)])  # fmt: skip
    scene.report(hurt, "bullying", "They do this to her every day. Please look.")
    scene.report(hurt, "harassment")
    scene.post("i want to disappear f\u200borever", account="noa", age_band="13-15")
    scene.post("flumquist, says the sign", account="lea")
    scene.report("post-3", "spam", "The same every day.")
    threat = scene.post("Watch your back tonight.", account="max")
    task = next(t for t in scene.tasks() if scene_item(scene, t) == threat)
    made = scene.decide(task, "remove", "The post threatens somebody with harm.", days=None,
                        clause="no-harassment")  # fmt: skip
    scene.deliver("The platform answered 500 (Internal Server Error).", "failed")
    scene.appeal(made, "It was a line from a play that we rehearse. The next post says so.")
    scene.post("grimzorble", account="kim")
    return scene


def scene_item(scene: Scene, task: str) -> str | None:
    with scene.haven.db.read() as tx:
        sql = "SELECT c.item FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = %(t)s"
        found = tx.value(sql, t=task)
        return None if found is None else str(found)
