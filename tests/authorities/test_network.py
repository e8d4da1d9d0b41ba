"""Who is tied to a case: as far as somebody had reason to look, and never further."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import psycopg
import pytest
from authorities_scene import OPERATOR, Desk, desk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_scene import Place, serving

from browsing import faults
from openhaven import evidence, intake, review, staff
from openhaven.authorities import network
from openhaven.core import Actor, Problem, new_id, utcnow
from openhaven.intake import Event
from openhaven.line import Haven
from openhaven.records.erasure import erase
from openhaven.staff import approvals

FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Town:
    """A platform with some accounts, and a case about the first one."""

    desk: Desk
    events: list[dict[str, object]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    children: set[int] = field(default_factory=set)
    case: str = ""

    def name(self, number: int) -> str:
        return self.names.setdefault(number, f"who-{number}-{uuid4().hex}")

    def person(self, number: int) -> dict[str, object]:
        band = "13-15" if number in self.children else "18-plus"
        return {"id": self.name(number), "age_band": band}

    def happens(self, who: int, kind: str, **more: object) -> None:
        self.events.append({"id": new_id("e"), "kind": kind, "at": utcnow().isoformat(),
                            "account": self.person(who), **more})  # fmt: skip

    def meets(self, who: int, whom: int, kind: str = "message.send") -> None:
        self.happens(who, kind, target={"account": self.person(whom)})

    def store(self, *, lane: bool = False) -> None:
        """Store the events, and open a case about the first account."""
        self.happens(0, "account.update")
        with self.desk.haven.db.begin(Actor("platform", self.desk.platform)) as tx:
            events = [msgspec.convert(one, Event) for one in self.events]
            intake.accept(tx, self.desk.platform, events)
            self.case = new_id("cas")
            tx.run("""INSERT INTO cases (id, platform, item, account, harm, opened_at)
                      VALUES (%(id)s, %(p)s, %(i)s, %(a)s, 'sextortion.minor', %(now)s)""",
                   id=self.case, p=self.desk.platform, a=self.name(0), now=tx.now,
                   i=self.item)  # fmt: skip
            if lane:
                review.lane.enter(tx, self.case, "reviewer")

    @property
    def item(self) -> str | None:
        found = (one["item"] for one in self.events if "item" in one)
        return next((one["id"] for one in found if isinstance(one, dict)), None)

    def work(self) -> None:
        for _ in range(50):
            if not network.tend(self.desk.haven.db):
                return
        raise AssertionError("looking does not come to an end")

    def view(self) -> network.View:
        with self.desk.haven.db.read() as tx:
            return network.view(tx, self.case)

    def look(self) -> network.View:
        with self.desk.haven.db.begin(self.desk.ada) as tx:
            network.look(tx, self.case)
        self.work()
        return self.view()


class Screen:
    """Somebody at the console."""

    def __init__(self, place: Place, haven: Haven, who: Actor) -> None:
        with haven.db.begin(OPERATOR) as tx:
            link = staff.sign_in_link(tx, next(m for m in staff.members(tx) if m.id == who.id))
        reply = place.ask("POST", link, b"", FORM)
        self.cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
        self.place = place

    def get(self, path: str, status: int = 200) -> str:
        reply = self.place.ask("GET", path, headers=self.cookie)
        assert reply.status == status, (path, reply.status, reply.body[-800:])
        return reply.body.decode()

    def post(self, path: str, page: str, status: int = 303, **fields: object) -> str:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert token
        body = urlencode({"csrf": token[1], **fields}).encode()
        reply = self.place.ask("POST", path, body, FORM | self.cookie)
        assert reply.status == status, (path, reply.status, reply.body[-800:])
        return reply.body.decode()


@dataclass
class Crew:
    """Two specialists who are signed in, once for all tests here."""

    desk: Desk
    place: Place
    ada: Screen
    ben: Screen

    def town(self, children: set[int] = frozenset()) -> Town:  # type: ignore[assignment]
        """Return a new platform, of which these two see the cases."""
        with self.desk.haven.db.begin(OPERATOR) as tx:
            platform, _ = intake.add_platform(tx, f"town-{uuid4().hex[:12]}")
        return Town(replace(self.desk, platform=platform), children=set(children))


@pytest.fixture(scope="module")
def crew(house: Haven) -> Iterator[Crew]:
    with serving(house, ()) as place:
        made = desk(house)
        ada, ben = (Screen(place, house, who) for who in (made.ada, made.ben))
        yield Crew(made, place, ada, ben)


# What is tied, and how ---------------------------------------------------------------------------


def test_ties_of_each_kind_are_found_and_named_by_numbers(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.happens(0, "session.start", device={"id": "dev-secret"})
    here.happens(0, "account.create", context={"ip": "192.0.2.77"})
    here.happens(0, "post.create", item={"id": new_id("i"), "links": ["https://bad.example/x"]})
    here.happens(1, "session.start", device={"id": "dev-secret"})
    here.happens(2, "account.create", context={"ip": "192.0.2.77"})
    # The same address at another time than the sign-up says too little.
    here.happens(7, "session.start", context={"ip": "192.0.2.77"})
    here.happens(3, "post.create", item={"id": new_id("i"), "links": ["https://bad.example/x"]})
    for _ in range(3):
        here.meets(0, 4)
    here.meets(4, 0)
    here.meets(5, 0, "contact.request")
    here.meets(6, 0, "comment.create")
    here.meets(1, 2)
    here.store()
    found = here.look()
    assert [one.number for one in found.people] == list(range(7))
    words = {one.other: one.words for one in found.bonds}
    assert words == {
        1: "Same device (device 1)", 2: "Same sign-up address (address 1)",
        3: "Same link posted (link 1)", 4: "Messages: 3 sent, 1 received",
        5: "Asked for contact: 1 received", 6: "Answered in public: 1 received",
    }  # fmt: skip
    ada = crew.ada
    page = ada.get(f"/console/cases/{here.case}/network")
    assert 'data-name="Tied by:"' in page
    for hidden in (*(here.name(n) for n in range(1, 8)), "dev-secret", "192.0.2.77", "bad.example"):
        assert hidden not in page
    assert page.count("Messages: 3 sent, 1 received") == 1


def test_what_many_share_names_nobody(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.happens(0, "session.start", device={"id": "café"})
    for number in range(1, 13):
        here.happens(number, "session.start", device={"id": "café"})
    here.meets(0, 3)
    here.store()
    found = here.look()
    assert [one.number for one in found.people] == [0, 1]
    assert [one.kind for one in found.bonds] == ["message"]
    assert found.wide == ("device 1",)


def test_files_of_the_case_tie_and_other_files_do_not(house: Haven, crew: Crew) -> None:
    here = crew.town()
    media = [_picture(house, here.desk.platform, byte) for byte in (1, 1, 2, 2)]
    mine, theirs, own, other = media
    here.happens(0, "post.create", item={"id": new_id("i"), "media": [{"id": mine}]})
    here.happens(0, "post.create", item={"id": new_id("i"), "media": [{"id": own}]})
    here.happens(1, "post.create", item={"id": new_id("i"), "media": [{"id": theirs}]})
    here.happens(2, "post.create", item={"id": new_id("i"), "media": [{"id": other}]})
    here.store()
    found = here.look()
    assert [one.words for one in found.bonds] == ["Same file posted (file 1)"]
    with house.db.begin(here.desk.ada) as tx:
        assert network.associated(tx, here.case) == []
        network.name(tx, here.case, 1, "It is an associated account of the report.")
        assert network.associated(tx, here.case) == [here.name(1)]
    page = crew.ada.get(f"/console/cases/{here.case}/report/ncmec")
    assert "named in <a href" in page
    assert here.name(1) in page
    assert here.name(2) not in page


def _picture(house: Haven, platform: str, byte: int) -> str:
    made = new_id("med")
    with house.db.begin(OPERATOR) as tx:
        sql = """INSERT INTO media (id, platform, sha256, md5, type, bytes, created_at)
                 VALUES (%(id)s, %(p)s, %(s)s, %(m)s, 'image/png', 1, %(now)s)"""
        tx.run(sql, id=made, p=platform, s=bytes([byte]) * 32, m=bytes([byte]) * 16, now=tx.now)
    return made


# How far -----------------------------------------------------------------------------------------

TIES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["message", "device"])),
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(ties=TIES, children=st.sets(st.integers(1, 6), max_size=3), lane=st.booleans())
def test_nothing_beyond_the_justified_steps_is_shown(
    house: Haven, crew: Crew, ties: list[tuple[int, int, str]], children: set[int], lane: bool
) -> None:
    here = crew.town(children=children)
    for number in range(7):
        here.happens(number, "account.update")
    near: dict[int, set[int]] = {number: set() for number in range(7)}
    for at, (one, other, kind) in enumerate(ties):
        if kind == "message":
            here.meets(one, other)
        else:
            for who in (one, other):
                here.happens(who, "session.start", device={"id": f"device-{at}"})
        near[one].add(other)
        near[other].add(one)
    here.store(lane=lane)
    first = near[0] - {0}
    ada, ben = crew.ada, crew.ben
    path = f"/console/cases/{here.case}/network"
    ada.post(path, ada.get(path))
    here.work()
    assert _steps(here) == [0] + [1] * len(first)
    _nobody_named(here, ada.get(path), set())
    for person in [one for one in here.view().people if one.step == 1][:2]:
        _one_further(here, ada, ben, person, near, first, lane=lane)


def _one_further(
    here: Town, ada: Screen, ben: Screen, person: network.Person, near: dict[int, set[int]],
    first: set[int], *, lane: bool,
) -> None:  # fmt: skip
    path = f"/console/cases/{here.case}/network"
    before = here.view().people
    fields = {"number": person.number, "reason": "They sell what this case is about."}
    if person.child:
        assert "nobody looks further" in ada.post(f"{path}/further", ada.get(path), 409, **fields)
        return
    ada.post(f"{path}/further", ada.get(path), **fields)
    here.work()
    if lane:
        assert here.view().people == before
        with here.desk.haven.db.read() as tx:
            (waiting,) = [one for one in approvals.waiting(tx, "network-further")
                          if one.asked_by == here.desk.ada.id]  # fmt: skip
        ben.post(f"/console/second/{waiting.id}/agree", ben.get("/console/second"))
        here.work()
    who = _who(here)
    looked = {who[one] for one in _origins(here)} - {0}
    reached = {0} | first | {other for one in looked for other in near[one]}
    assert {who[one.number] for one in here.view().people} == reached
    _nobody_named(here, ada.get(path), set())
    ada.post(f"{path}/name", ada.get(path), **fields)
    _nobody_named(here, ada.get(path), {who[person.number]})
    with here.desk.haven.db.begin(here.desk.ada) as tx:
        tx.run("DELETE FROM network_names WHERE number = %(n)s", n=person.number)


def _steps(here: Town) -> list[int]:
    return sorted(one.step for one in here.view().people)


def _origins(here: Town) -> set[int]:
    with here.desk.haven.db.read() as tx:
        return {one.origin for one in network.looks(tx, here.case) if one.state == "done"}


def _who(here: Town) -> dict[int, int]:
    """Return which of the town's accounts stands behind each number of the network."""
    with here.desk.haven.db.read() as tx:
        found = network.living(tx, here.case)
        assert found is not None
        graph = network.store.graph_of(tx, found)
    back = {name: number for number, name in here.names.items()}
    return {number: back[one.account] for number, one in graph.accounts.items()}


def _nobody_named(here: Town, page: str, but: set[int]) -> None:
    for number in range(1, 7):
        assert (here.name(number) in page) == (number in but)
    with here.desk.haven.db.read() as tx:
        found = network.view(tx, here.case)
    for text in (msgspec.json.encode(found).decode(), network.draw(found, alone=True)):
        for number in range(1, 7):
            # The picture cuts a long name off; what it has of it is unique as well.
            assert (here.name(number)[:20] in text) == (number in but)


def test_the_database_wants_a_second_person_in_the_lane(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.store(lane=True)
    here.look()
    with house.db.begin(here.desk.ada) as tx:
        look = network.further(tx, here.case, 1, "They write to the same children.")
    behind = "UPDATE network_looks SET state = 'looking' WHERE id = %(id)s"
    with pytest.raises(psycopg.errors.CheckViolation), house.db.begin(OPERATOR) as tx:
        tx.run(behind, id=look)


# Who may, and what is recorded -------------------------------------------------------------------


def test_only_who_may_and_in_the_lane_only_specialists(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.store(lane=True)
    with house.db.begin(OPERATOR) as tx:
        people = {role: staff.create(tx, new_id(role), (role,)).actor
                  for role in ("moderator", "senior", "administrator")}  # fmt: skip
    for who in people.values():
        Screen(crew.place, house, who).get(f"/console/cases/{here.case}/network", 403)
        with pytest.raises(Problem) as told, house.db.begin(who) as tx:
            network.look(tx, here.case)
        assert told.value.status == 403


def test_what_was_asked_and_named_is_in_the_ledger_with_its_reason(
    house: Haven, crew: Crew
) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.store()
    here.look()
    ada = crew.ada
    path = f"/console/cases/{here.case}/network"
    assert "Say in a few words why." in ada.post(f"{path}/name", ada.get(path), 400, number=1)
    ada.post(f"{path}/name", ada.get(path), number=1, reason="The report has to name them.")
    ada.post(f"{path}/further", ada.get(path), number=1, reason="They are the seller.")
    here.work()
    page = ada.get(path)
    assert "The report has to name them." in page
    assert "They are the seller." in page
    with house.db.read() as tx:
        kinds = [row["kind"] for row in tx.rows(
            """SELECT kind FROM ledger_entries WHERE ids ->> 'case' = %(c)s
               AND kind LIKE 'network.%%' ORDER BY id""", c=here.case)]  # fmt: skip
        looked = staff.reads.found(tx, staff.reads.Seek(matter=here.case))
    assert sorted(kinds) == sorted(["network.asked", "network.found", "network.named",
                                    "network.asked", "network.found"])  # fmt: skip
    assert {one.kind for one in looked} == {"network"}


def test_it_is_sealed_as_evidence_as_it_is_shown(house: Haven, crew: Crew) -> None:
    here = crew.town(children={2})
    here.meets(0, 1)
    here.meets(2, 0)
    here.store()
    here.look()
    with house.db.begin(here.desk.ada) as tx:
        network.name(tx, here.case, 1, "The report has to name them.")
        made = network.keep(house.vault, tx, here.case)
    with house.db.begin(OPERATOR) as tx:
        data, picture = (evidence.read(house.vault, tx, one, "test") for one in made)
    data, picture = b"".join(data).decode(), b"".join(picture).decode()
    assert here.name(1) in data
    assert here.name(2) not in data + picture
    assert "child, protected" in picture
    assert {one.kind for one in made} == {"derived"}


# Forgetting --------------------------------------------------------------------------------------


def test_who_is_erased_is_tied_to_nobody_any_more(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.meets(0, 1)
    here.meets(0, 2)
    for number in range(3):
        here.happens(number, "account.update")
    here.store()
    here.look()
    with house.db.begin(here.desk.ada) as tx:
        network.name(tx, here.case, 1, "The report has to name them.")
    with house.db.begin(OPERATOR) as tx:
        erase(tx, here.desk.platform, here.name(1))
    assert [one.number for one in here.view().people] == [0, 2]
    found = here.look()
    assert [one.number for one in found.people] == [0, 2], "nobody takes the number of another"
    with house.db.begin(OPERATOR) as tx:
        erase(tx, here.desk.platform, here.name(0))
    assert here.view().people == ()
    with house.db.read() as tx:
        assert [one.reason for one in network.looks(tx, here.case)] == ["", ""]


def test_it_is_forgotten_after_a_month(house: Haven, crew: Crew) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.store()
    here.look()
    with house.db.begin(OPERATOR) as tx:
        tx.run("UPDATE networks SET kept_until = now() WHERE case_id = %(c)s", c=here.case)
    here.work()
    assert here.view().people == ()
    with house.db.read() as tx:
        rows = tx.rows("SELECT id, graph FROM networks WHERE case_id = %(c)s", c=here.case)
        sql = "SELECT 1 FROM subject_keys WHERE subject = %(s)s AND destroyed_at IS NULL"
        assert rows[0]["graph"] is None
        assert tx.value(sql, s=rows[0]["id"]) is None
    assert [one.number for one in here.look().people] == [0, 1]


def test_looking_goes_on_where_it_was_after_a_crash(
    house: Haven, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = crew.town()
    for number in range(1, 8):
        here.meets(number, 0)
    here.store()
    monkeypatch.setattr(network.jobs, "SLICE", 2)
    with house.db.begin(here.desk.ada) as tx:
        network.look(tx, here.case)
    assert network.tend(house.db) == 1
    assert network.tend(house.db) == 1
    with house.db.read() as tx:
        assert [one.looked for one in network.looks(tx, here.case)] == [4]
    assert here.view().people == ()
    here.work()
    found = here.view()
    assert len(found.people) == 8
    assert {(one.back, one.out) for one in found.bonds} == {(1, 0)}


@pytest.mark.slow
def test_the_page_in_a_browser(crew: Crew, chromium, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    here = crew.town(children={2, 5})
    here.names |= {0: "night.owl", 1: "second.phone"}
    _story(here)
    here.store(lane=True)
    here.look()
    with here.desk.haven.db.begin(here.desk.ada) as tx:
        helper = {who: number for number, who in _who(here).items()}[1]
        network.name(tx, here.case, helper, "The report has to name them.")
        look = network.further(tx, here.case, helper, "Their tablet has made more accounts.")
        (asked,) = [one for one in approvals.waiting(tx, "network-further") if one.matter == look]
    with here.desk.haven.db.begin(here.desk.ben) as tx:
        approvals.answer(tx, asked.id, yes=True)
    here.work()
    url, name = crew.ada.cookie["cookie"].split("=", 1)[0], crew.ada.cookie["cookie"]
    for wide, dark in ((1280, False), (390, True)):
        page = chromium.new_context(
            viewport={"width": wide, "height": 900}, java_script_enabled=wide == 1280,
            color_scheme="dark" if dark else "light",
        ).new_page()  # fmt: skip
        value = name.split("=", 1)[1]
        page.context.add_cookies([{"name": url, "value": value, "url": crew.place.url}])
        page.goto(f"{crew.place.url}/console/cases/{here.case}/network")
        page.screenshot(path=tmp_path / f"network-{wide}.png", full_page=True)
        if wide == 1280:
            page.locator("section.card").first.screenshot(path=tmp_path / "picture.png")
            assert faults(page) == []
            _by_keyboard(page)
        else:
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def _story(here: Town) -> None:
    """Tell of one who wrote to children, with helpers on one device, and a picture that went on."""
    for number in (0, 1, 3, 7):
        here.happens(number, "session.start", device={"id": "one phone"})
    for number in (0, 3):
        here.happens(number, "account.create", context={"ip": "192.0.2.5"})
    for who, whom, times in ((0, 2, 9), (2, 0, 2), (0, 5, 4), (1, 6, 3), (6, 1, 1), (4, 0, 1)):
        for _ in range(times):
            here.meets(who, whom)
    for number in (7, 8):
        here.happens(number, "session.start", device={"id": "a tablet"})
    here.happens(1, "session.start", device={"id": "a tablet"})


def _by_keyboard(page) -> None:  # type: ignore[no-untyped-def]
    """Reach the picture and a form with the keyboard alone."""
    page.locator(".net-frame").focus()
    fold = page.locator("summary", has_text="Name it").first
    fold.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Who it is matters.")
    assert "Who it is matters." in page.locator("textarea:focus").input_value()


# The picture -------------------------------------------------------------------------------------

PEOPLE = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["device", "message", "file"])),
                  max_size=120)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ties=PEOPLE, children=st.sets(st.integers(1, 120)))
def test_no_box_lies_on_another_and_no_more_are_drawn_than_can_be_read(
    ties: list[tuple[int, str]], children: set[int]
) -> None:
    now = utcnow()
    people = [network.Person(number=0, step=0, name="the account of the case")]
    bonds = []
    for number, (shared, kind) in enumerate(ties, 1):
        name = "a very long name of somebody" if number % 7 == 0 else ""
        child = number in children
        people.append(network.Person(number=number, step=1, child=child, name=name))
        bonds.append(network.Bond(origin=0, other=number, kind=kind, last=now, out=1,
                                  place=0 if kind == "message" else shared + 1))  # fmt: skip
    view = network.View(people=tuple(people), bonds=tuple(bonds))
    svg = network.draw(view)
    assert svg == network.draw(view)
    boxes = re.findall(
        r'<rect class="[^"]*" x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)"', svg
    )
    assert len(boxes) <= 60
    seen: list[tuple[float, float, float, float]] = []
    for x, y, w, h in (map(float, one) for one in boxes):
        assert all(x + w <= a or a + c <= x or y + h <= b or b + d <= y for a, b, c, d in seen)
        seen.append((x, y, w, h))


def test_a_case_that_enters_the_lane_ends_what_one_person_asked_alone(
    house: Haven, crew: Crew
) -> None:
    here = crew.town()
    here.meets(0, 1)
    here.meets(1, 2)
    here.store()
    here.look()
    with house.db.begin(here.desk.ada) as tx:
        alone = network.further(tx, here.case, 1, "They sell what this case is about.")
    with house.db.begin(OPERATOR) as tx:
        review.lane.enter(tx, here.case, "reviewer")
    here.work()
    with house.db.read() as tx:
        states = {one.id: one.state for one in network.looks(tx, here.case)}
    assert states[alone] == "refused"
    # It is asked anew, and a second person sees it.
    with house.db.begin(here.desk.ada) as tx:
        again = network.further(tx, here.case, 1, "They write to the same children.")
        (asked,) = [one for one in approvals.waiting(tx, "network-further")
                    if one.matter == again]  # fmt: skip
    with house.db.begin(here.desk.ben) as tx:
        approvals.answer(tx, asked.id, True)
    here.work()
    assert _steps(here) == [0, 1, 2]


def test_why_somebody_looks_further_in_the_lane_is_for_who_may_answer(
    house: Haven, crew: Crew
) -> None:
    here, why = crew.town(), f"They write to the same children: {uuid4().hex}."
    here.meets(0, 1)
    here.store(lane=True)
    here.look()
    with house.db.begin(here.desk.ada) as tx:
        network.further(tx, here.case, 1, why)
    with house.db.begin(OPERATOR) as tx:
        people = {role: staff.create(tx, new_id(role), (role,)).actor
                  for role in ("moderator", "policy", "senior")}  # fmt: skip
    for role, who in people.items():
        page = Screen(crew.place, house, who).get("/console/second")
        assert (why in page) == (role == "senior"), role
