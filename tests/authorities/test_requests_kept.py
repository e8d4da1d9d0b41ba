"""What follows from a request by itself: words to people, clocks, calls, holds, orders, counts."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from api_post import Post, post_office
from click.testing import CliRunner
from requests_scene import DAY, OPERATOR, Bureau, bureau, post

from openhaven import evidence
from openhaven.authorities.commands import authorities
from openhaven.authorities.requests import actions, counts, gather, jobs, keeping, store
from openhaven.authorities.requests.clocks import call_for_life, note_due
from openhaven.authorities.requests.clocks.actions import APART, AT_ONCE, PAUSES
from openhaven.authorities.requests.model import Subject, Wanted
from openhaven.authorities.requests.telling import actions as telling
from openhaven.authorities.requests.telling import tell_due
from openhaven.connectors import mail
from openhaven.core import Problem, utcnow
from openhaven.decisions import decision
from openhaven.line import Haven, ordering
from openhaven.records.erasure import erase
from openhaven.staff import approvals
from openhaven.storage import Settings
from openhaven.storage.settings import Authorities, Mail
from openhaven.transparency import figures
from openhaven.transparency.export import as_csv


@pytest.fixture(scope="module")
def office() -> Iterator[Post]:
    with post_office() as post:
        yield post


@pytest.fixture
def at(house: Haven) -> Bureau:
    return bureau(house)


def _settings(at: Bureau, office: Post, *contacts: str) -> Settings:
    return msgspec.structs.replace(
        at.haven.settings, mail=Mail(host="127.0.0.1", port=office.port, starttls=False),
        authorities=Authorities(life_contacts=contacts),
    )  # fmt: skip


def _tell(settings: Settings):  # type: ignore[no-untyped-def]
    return lambda address, title, text, name: mail.tell(settings, address, title, text, name)


# Telling ----------------------------------------------------------------------------------------


def test_who_is_concerned_is_told_when_the_delay_ends_by_itself(at: Bureau, office: Post) -> None:
    settings = _settings(at, office)
    request = at.approved(delay_ground="investigation", delay_days=90)
    at.produce(request)
    address = f"{at.account}@people.example"
    given = at.now_is(request).ended_at
    assert given is not None
    tell_due(at.haven.db, settings, _tell(settings), given + 89 * DAY)
    assert office.to(address) == []
    tell_due(at.haven.db, settings, _tell(settings), given + 91 * DAY)
    (letter,) = office.to(address)
    text = letter.get_content()
    for words in ("Police of Here", "R-1", "what you wrote or posted", "not allowed to tell you"):
        assert words in text, text
    tell_due(at.haven.db, settings, _tell(settings), given + 92 * DAY)
    assert len(office.to(address)) == 1


def test_to_wait_for_longer_takes_a_second_person_each_time(at: Bureau, office: Post) -> None:
    settings = _settings(at, office)
    request = at.approved(delay_ground="order", delay_days=30)
    at.produce(request)
    with at.haven.db.begin(at.ada) as tx:
        (word,) = store.tellings(tx, request)
        telling.ask_longer(tx, word.id, "life", 60, "The order was renewed.")
    with at.haven.db.begin(at.ada) as tx:
        (waits,) = [one for one in approvals.waiting(tx, telling.KIND) if word.id in one.matter]
        assert store.telling(tx, word.id).due_at == word.due_at
    with pytest.raises(Problem, match="asked for this yourself"), at.haven.db.begin(at.ada) as tx:
        approvals.answer(tx, waits.id, True)
    with at.haven.db.begin(at.ben) as tx:
        approvals.answer(tx, waits.id, True)
        telling.settle(tx)
        later = store.telling(tx, word.id)
    assert later.due_at > word.due_at
    assert later.delay_ground == "life"
    # Whoever is asked again and refuses leaves the day as it is.
    with at.haven.db.begin(at.ada) as tx:
        telling.ask_longer(tx, word.id, "life", 170, "Once more.")
        (again,) = [one for one in approvals.waiting(tx, telling.KIND) if word.id in one.matter]
    with at.haven.db.begin(at.ben) as tx:
        approvals.answer(tx, again.id, False, "No ground any more.")
        telling.settle(tx)
        assert store.telling(tx, word.id).due_at == later.due_at
    with at.haven.db.begin(at.ada) as tx:
        telling.now(tx, word.id)
    tell_due(at.haven.db, settings, _tell(settings))
    assert len(office.to(f"{at.account}@people.example")) == 1


def test_who_cannot_be_reached_is_on_somebodys_screen(at: Bureau, office: Post) -> None:
    settings = _settings(at, office)
    with at.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE accounts SET contact = NULL WHERE id = %(a)s", a=at.account)
    request = at.approved()
    at.produce(request)
    tell_due(at.haven.db, settings, _tell(settings))
    with at.haven.db.read() as tx:
        (word,) = store.tellings(tx, request)
        assert word.state == "by_hand"
        assert store.trouble(tx).untold
    with at.haven.db.begin(at.ada) as tx:
        telling.by_hand(tx, word.id)
        assert store.telling(tx, word.id).state == "told"


# Clocks -----------------------------------------------------------------------------------------


def test_clocks_call_by_themselves_and_louder(at: Bureau) -> None:
    made = at.receive("epoc")
    found = at.now_is(made.id)
    assert found.due_at - found.received_at == timedelta(days=10)
    steps = {0: None, 7.4: None, 7.6: "request", 10: "request_overdue", 10.9: None,
             11: "request_unanswered", 12: None}  # fmt: skip
    for days, kind in steps.items():
        with at.haven.db.begin(OPERATOR, found.received_at + days * DAY) as tx:
            called = [one for one, about in note_due(tx) if about == made.id]
        assert called == ([kind] if kind else []), days
    urgent = at.now_is(at.receive("epoc", life=True).id)
    assert urgent.due_at - urgent.received_at == timedelta(hours=8)
    with at.haven.db.begin(OPERATOR) as tx:
        assert ("request", urgent.id) in note_due(tx)
    removal = at.now_is(at.receive("removal").id)
    assert removal.due_at - removal.received_at == timedelta(hours=1)
    # A day that the request names counts when it is sooner.
    soon = f"{utcnow() + 3 * DAY:%Y-%m-%d}"
    assert at.now_is(at.receive("order", answer_by=soon).id).due_at < utcnow() + 3 * DAY


def test_a_life_is_called_about_at_once_and_who_is_not_reached_is_said_aloud(
    at: Bureau, office: Post
) -> None:
    settings = _settings(at, office, "one@here.example", "two@here.example")
    at = dataclasses.replace(at, haven=dataclasses.replace(at.haven, settings=settings))
    made, said = at.receive("emergency"), []

    def half(address: str, title: str, text: str, name: str) -> str | None:
        said.append(address)
        return "Nobody answers." if address.startswith("two") else None

    now = utcnow() + timedelta(seconds=1)
    for _ in range(len(PAUSES) + 5):
        call_for_life(at.haven.db, settings, half, now)
        now += timedelta(hours=1)
    assert said.count("one@here.example") == 1
    assert said.count("two@here.example") == len(PAUSES) + 1
    with at.haven.db.begin(OPERATOR) as tx:
        assert {one.state for one in store.calls(tx, made.id)} == {"sent", "failed"}
        assert store.trouble(tx).unheard
        assert ("request_unheard", made.id) in note_due(tx)
        assert ("request_unheard", made.id) not in note_due(tx)


def test_a_flood_of_lives_is_called_about_together_and_none_is_lost(
    at: Bureau, office: Post
) -> None:
    settings = _settings(at, office, "duty@here.example")
    at = dataclasses.replace(at, haven=dataclasses.replace(at.haven, settings=settings))
    # Long after whatever else came through the door here.
    now = utcnow() + timedelta(hours=5)
    said: list[str] = []

    def heard(address: str, title: str, text: str, name: str) -> str | None:
        said.append(text)
        return None

    many = [at.receive("emergency", "door", now=now + timedelta(seconds=n)).id for n in range(40)]
    now += timedelta(minutes=1)
    call_for_life(at.haven.db, settings, heard, now)
    told = [one for one in many if any(one in text for text in said)]
    assert told == many[:AT_ONCE]
    # One call stands for all that came since, says how many there are, and comes soon.
    call_for_life(at.haven.db, settings, heard, now + APART)
    (one,) = [text for text in said if many[AT_ONCE] in text]
    assert "others that nobody has answered" in one
    assert "/console/requests" in one
    # What staff has entered is called about at once, and who comes last is called about as well.
    at.receive("emergency", now=now + APART)
    last = at.receive("emergency", "door", now=now + APART)
    before = len(said)
    call_for_life(at.haven.db, settings, heard, now + APART)
    assert len(said) == before + 1
    call_for_life(at.haven.db, settings, heard, now + 2 * APART)
    assert last.id in said[-1]
    with at.haven.db.begin(OPERATOR, now + 2 * APART) as tx:
        assert store.trouble(tx).unset >= 33
        # Nobody is called again and again about what was noted.
        assert {one for _, one in note_due(tx)} >= set(many)
        assert not {one for _, one in note_due(tx)} & set(many)


def test_letters_of_everybody_do_not_fill_the_disk(
    at: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow() + 30 * DAY
    monkeypatch.setattr(actions, "MOST_OF_A_DAY", 2_000)
    at.receive(via="door", letter=b"x" * 1_500, now=now)
    with pytest.raises(Problem, match="Many requests came today") as told:
        at.receive(via="door", letter=b"x" * 1_500, now=now)
    assert told.value.status == 429
    # Without a file it is heard; what staff enters is stored; and a day later there is room.
    at.receive(via="door", now=now)
    at.receive(via="letter", letter=b"x" * 1_500, now=now)
    at.receive(via="door", letter=b"x" * 1_500, now=now + 2 * DAY)


# Keeping ----------------------------------------------------------------------------------------


def _keep(at: Bureau, request: str, who: list[Subject] | None = None) -> int:
    house = at.haven
    span = Wanted(categories=(), subjects=(), since=utcnow() - 900 * DAY, until=utcnow() + DAY)
    with house.db.begin(at.ada) as tx:
        return keeping.keep(house.vault, house.blobs, tx, request,
                            [at.subject] if who is None else who, span)  # fmt: skip


def test_what_is_asked_to_be_kept_outlives_erasure_and_ends_by_itself(at: Bureau) -> None:
    made = at.receive("epoc-pr")
    assert _keep(at, made.id) == 1
    assert _keep(at, made.id) == 0
    with at.haven.db.begin(at.ada) as tx:
        (kept,) = store.keeps(tx, made.id)
        assert timedelta(59) < kept.until - tx.now <= timedelta(60)
        items = evidence.items(tx, kept.case_id)
        parts = evidence.read(at.haven.vault, tx, items[0], "test")
    assert b"".join(parts)
    assert {one.name for one in items} >= {"subscriber.json", "content.json", "access.json"}
    # The law carries it, and it is answered without anything leaving the house.
    at.call_back(made.id)
    at.lawful(made.id)
    at.narrow(made.id)
    with at.haven.db.begin(at.ada) as tx:
        keeping.preserved(tx, made.id)
        keeping.renew(tx, made.id)
        (longer,) = store.keeps(tx, made.id)
    assert longer.until - kept.until == timedelta(30)
    with pytest.raises(Problem, match="cannot be renewed"), at.haven.db.begin(at.ada) as tx:
        keeping.renew(tx, made.id)
    with at.haven.db.begin(OPERATOR) as tx:
        erase(tx, at.platform, at.account)
    with at.haven.db.read() as tx:
        assert not any(one.destroyed_at for one in evidence.items(tx, kept.case_id))
    evidence.tend(at.haven.vault, longer.until + timedelta(seconds=1))
    with at.haven.db.read() as tx:
        assert all(one.destroyed_at for one in evidence.items(tx, kept.case_id))


def test_an_account_with_much_is_kept_in_parts_and_a_crowd_is_not_kept_at_once(
    at: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(at, at.account, "Long ago.", when=utcnow() - 40 * DAY)
    monkeypatch.setattr(gather, "MOST_EVENTS", 2)
    made = at.receive("preservation")
    assert _keep(at, made.id) == 1
    with at.haven.db.begin(at.ada) as tx:
        (kept,) = store.keeps(tx, made.id)
        parts = [evidence.read(at.haven.vault, tx, one, "test")
                 for one in evidence.items(tx, kept.case_id)]  # fmt: skip
    whole = b"".join(b"".join(part) for part in parts)
    assert b"Long ago." in whole
    assert b"What it wrote." in whole
    crowd = [Subject(at.platform, f"a{n}") for n in range(21)]
    for wrong in (crowd, []):
        with pytest.raises(Problem, match="one by one"):
            _keep(at, made.id, wrong)


def test_what_is_refused_is_kept_no_longer(at: Bureau) -> None:
    made = at.receive("preservation")
    _keep(at, made.id)
    with pytest.raises(Problem, match="not known here"):
        _keep(at, made.id, [Subject(at.platform, "nobody")])
    with at.haven.db.begin(at.ada) as tx:
        actions.refuse(tx, made.id, "no_basis", "No law.")
    jobs.tend(at.haven.db)
    with at.haven.db.read() as tx:
        assert all(one.ended_at for one in store.keeps(tx, made.id))
    with pytest.raises(Problem, match="no duty to keep"):
        _keep(at, made.id)
    with pytest.raises(Problem, match="no duty to keep"):
        _keep(at, at.receive("warrant").id)


def test_who_is_erased_is_told_nothing_more(at: Bureau, office: Post) -> None:
    settings = _settings(at, office)
    request = at.approved(delay_ground="life", delay_days=10)
    at.produce(request)
    with at.haven.db.begin(OPERATOR) as tx:
        erase(tx, at.platform, at.account)
    tell_due(at.haven.db, settings, _tell(settings), utcnow() + 11 * DAY)
    with at.haven.db.read() as tx:
        assert [one.state for one in store.tellings(tx, request)] == ["erased"]
    assert office.to(f"{at.account}@people.example") == []


def test_what_ended_three_years_ago_says_nothing_any_more(at: Bureau, office: Post) -> None:
    request = at.approved()
    at.produce(request)
    settings = _settings(at, office)
    tell_due(at.haven.db, settings, _tell(settings))
    with at.haven.db.begin(OPERATOR, utcnow() + 1_097 * DAY) as tx:
        actions.forget(tx)
        assert store.asked(tx, request).authority == "(forgotten)"
        delivery = store.delivery(tx, request)
    assert delivery is not None
    assert not delivery.there
    # Neither what two people said of it, nor whose key it was, can be read any more.
    assert at.now_is(request).key is None
    said = at.rows("""SELECT a.reason FROM approvals a JOIN lawful_requests r ON r.scope = a.matter
                      WHERE r.id = %(r)s""", r=request)  # fmt: skip
    assert [one["reason"] for one in said] == [None]
    assert at.now_is(request).accounts == 1


# Orders and counts ------------------------------------------------------------------------------


def test_a_removal_order_becomes_a_decision_with_reasons_and_redress(at: Bureau) -> None:
    (item,) = at.rows("SELECT item FROM events WHERE platform = %(p)s AND item IS NOT NULL",
                      p=at.platform)  # fmt: skip
    made = at.receive("removal", basis="Regulation (EU) 2021/784, Article 3")
    at.call_back(made.id)
    at.lawful(made.id)
    items = (Subject(at.platform, str(item["item"])),)
    at.narrow(made.id, categories=(), subjects=(), items=items, why="It calls for an attack.")
    with at.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE platforms SET can = '{}' WHERE id = %(p)s", p=at.platform)
    with pytest.raises(Problem, match="some countries"):
        ordering.carry_out(at.haven, at.ada, made.id, "terrorism", "union")
    (ordered,) = ordering.carry_out(at.haven, at.ada, made.id, "terrorism", "everywhere")
    with at.haven.db.read() as tx:
        found = decision(tx, ordered)
        strikes = tx.rows("SELECT 1 FROM strikes WHERE decision = %(d)s", d=ordered)
    assert (found.source, found.outcome, found.ground) == ("order", "remove", "law")
    for words in ("Police of Here (DE)", "R-1", "It calls for an attack.", "2021/784"):
        assert words in found.facts
    assert "court of its country" in found.redress
    assert strikes == []
    assert at.now_is(made.id).state == "removed"


def test_everybody_sees_the_counts_and_nobody_behind_them(at: Bureau) -> None:
    for _ in range(6):
        made = at.receive("foreign")
        with at.haven.db.begin(at.ada) as tx:
            actions.refuse(tx, made.id, "no_treaty", "By no treaty.")
    with at.haven.db.read() as tx:
        found = figures(tx, "Here")
        true = {what: {one.key: one.n for one in counts.by(tx, what)}
                for what in ("kind", "country", "outcome")}  # fmt: skip
        sums = counts.sums(tx)
    assert true["outcome"]["refused_no_treaty"] == 6
    assert true["kind"]["foreign"] == 6
    for what, numbers in true.items():
        table = found.table(f"requests_{what}")
        assert table.total == sum(numbers.values())
        for row in table.rows:
            assert row.n in (None, numbers[row.key])
            assert row.n is None or row.n >= 5
    # All of them come from one country, so that this table can be shown.
    assert [(row.key, row.n) for row in found.table("requests_country").rows] == [
        ("DE", true["country"]["DE"])
    ]
    assert found.requests.median_hours == pytest.approx(sums.median_hours)
    assert "requests_country,DE," in as_csv(found)


def test_the_command_line_says_what_is_overdue(at: Bureau) -> None:
    made = at.receive("removal", now=utcnow() - timedelta(hours=2))
    said = CliRunner().invoke(authorities, ["requests"], obj=at.haven)
    assert said.exit_code == 1
    assert any(made.id in line and "OVERDUE" in line for line in said.output.splitlines())
