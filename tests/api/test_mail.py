"""Notices by e-mail, to a real mail host: sent once, retried, and told to nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from api_post import Post, post_office
from api_scene import REMOVE, REVIEW, Town, body, name, saying, town_on
from line_receiver import receiving
from line_scene import OPERATOR

from openhaven import decisions, records
from openhaven.line import Haven, jobs
from openhaven.storage.settings import Mail


@pytest.fixture(scope="module")
def shared_town(house_of_the_module: Haven) -> Iterator[Town]:
    with receiving() as receiver, town_on(house_of_the_module, receiver) as open_town:
        yield open_town


@pytest.fixture
def small_town(shared_town: Town) -> Town:
    """The town of this file, with nothing left to be sent."""
    use(shared_town, Mail())
    with shared_town.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE notices SET email_state = 'none', email_attempts = 0")
    return shared_town


@pytest.fixture
def office(small_town: Town) -> Iterator[Post]:
    with post_office() as post:
        use(
            small_town,
            Mail(host="127.0.0.1", port=post.port, sender="house@example.org", starttls=False),
        )
        yield post


def use(town: Town, mail: Mail) -> None:
    changed = msgspec.structs.replace(town.haven.settings, mail=mail)
    object.__setattr__(town.haven, "settings", changed)


def person(town: Town, email: str) -> dict[str, str]:
    account = {"id": name("a")}
    town.judged(body(kind="account.create", account=account, context={"email": email}))
    return account


def due(town: Town) -> None:
    """Let the time pass until the next attempt."""
    with town.haven.db.begin(OPERATOR) as tx:
        past = tx.now - timedelta(seconds=1)
        tx.run("UPDATE notices SET email_next_at = %(p)s WHERE email_state = 'intended'", p=past)


def report(town: Town, contact: str) -> tuple[str, str]:
    """Report a fresh item with this contact; return the receipt and the task."""
    sent = body()
    town.judged(sent)
    told = town.ask(
        "POST",
        "/v1/reports",
        {
            "subject": {"item": sent["item"]["id"]},
            "category": "spam",
            "text": "Please look.",
            "contact": contact,
        },
    )
    assert told.status == 201
    town.work()
    sql = "SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id WHERE c.item = %(i)s"
    return told.json["receipt"], town.rows(sql, i=sent["item"]["id"])[0]["id"]


def test_the_person_and_the_reporter_each_get_their_letter(small_town: Town, office: Post) -> None:
    town = small_town
    account = person(town, "zoe@example.org")
    decision = town.judged(saying(REMOVE, account=account))["decision"]
    _, task = report(town, "reporter@example.org")
    town.judge(task, "allow", facts="secret-of-the-reviewer")
    while jobs.send_letters(town.haven):
        pass
    [to_person] = office.to("zoe@example.org")
    assert to_person["From"] == "house@example.org"
    assert to_person["Subject"] == "Testplace: Something you posted was removed"
    notice = town.ask("GET", f"/v1/decisions/{decision}/statement").json["notice"]
    assert to_person.get_content().replace("\n", " ").split() == notice["text"].split()
    assert notice["appeal_url"] in to_person.get_content()
    [to_reporter] = office.to("reporter@example.org")
    assert "took no action" in to_reporter.get_content()
    assert "secret-of-the-reviewer" not in to_reporter.get_content()
    assert len(office.letters) == 2
    jobs.send_letters(town.haven)
    due(town)
    jobs.send_letters(town.haven)
    assert len(office.letters) == 2, "a letter is sent once"


def test_a_host_that_is_down_is_tried_for_hours_and_then_it_is_visible(
    small_town: Town, office: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    town = small_town
    account = person(town, "unlucky@example.org")
    town.judged(saying(f"{REMOVE} private-words", account=account))
    office.refuse = b"451 try later, unlucky@example.org"
    waited, attempts = timedelta(), 0
    for _ in range(20):
        jobs.send_letters(town.haven)
        [row] = town.rows("SELECT * FROM notices WHERE email_attempts > 0")
        assert "unlucky" not in row["last_error"]
        if row["email_state"] == "failed":
            break
        attempts += 1
        with town.haven.db.read() as tx:
            waited += row["email_next_at"] - tx.now
        due(town)
    assert row["email_state"] == "failed"
    assert attempts >= 10
    assert waited > timedelta(hours=24)
    shown = town.place.ask("GET", "/console/deliveries", headers=town.cookie("ana")).body.decode()
    assert "The mail host did not take it" in shown
    assert "openhaven_notices_failed 1.0" in town.place.ask("GET", "/metrics").body.decode()
    said = capsys.readouterr()
    for secret in ("unlucky", "private-words", "example.org"):
        assert secret not in said.err + said.out + shown
    office.refuse = b""
    with town.haven.db.begin(OPERATOR) as tx:
        decisions.replay_letter(tx, row["id"])
    jobs.send_letters(town.haven)
    assert len(office.to("unlucky@example.org")) == 1


def test_nobody_at_the_port_of_the_host(small_town: Town) -> None:
    town = small_town
    use(town, Mail(host="127.0.0.1", port=1, starttls=False))
    account = person(town, "zoe@example.org")
    town.judged(saying(REMOVE, account=account))
    assert jobs.send_letters(town.haven) == 1
    [row] = town.rows("SELECT email_state, last_error FROM notices WHERE email_attempts > 0")
    assert row == {
        "email_state": "intended",
        "last_error": "The mail host did not take it (ConnectionRefusedError).",
    }


def test_a_host_without_encryption_gets_no_letter_unless_told_so(
    small_town: Town, office: Post
) -> None:
    town = small_town
    use(town, Mail(host="127.0.0.1", port=office.port))
    town.judged(saying(REMOVE, account=person(town, "zoe@example.org")))
    jobs.send_letters(town.haven)
    assert office.letters == []


TRICKS = [
    "a@example.org\r\nBcc: all@example.org",
    "a@example.org\nX: y",
    "a@example.org, b@example.org",
    "Zoe <a@example.org>",
    "a@example.org\u0001",
    '"x" a@example.org',
    "no address",
    "@",
    "ring 0123",
]


def test_no_trick_reaches_the_head_of_a_letter_or_stops_the_others(
    small_town: Town, office: Post
) -> None:
    town = small_town
    for trick in TRICKS:
        _, task = report(town, trick)
        town.judge(task, "allow")
        town.judged(saying(REMOVE, account=person(town, trick)))
    town.judged(saying(REMOVE, account=person(town, "after@example.org")))
    while jobs.send_letters(town.haven):
        pass
    assert [whom for whom, _ in office.letters] == [["after@example.org"]]


def test_what_an_older_version_stored_cannot_stop_the_others(
    small_town: Town, office: Post
) -> None:
    """A broken address in the database is an error of its letter, not of the loop."""
    town = small_town
    bad, good = person(town, "bad@example.org"), person(town, "good@example.org")
    with town.haven.db.begin(OPERATOR) as tx:
        [row] = tx.rows("SELECT subject FROM accounts WHERE id = %(a)s", a=bad["id"])
        sealed = tx.keys.seal(row["subject"], b"x@example.org\r\nBcc: all@example.org")
        tx.run("UPDATE accounts SET contact = %(c)s WHERE id = %(a)s", c=sealed, a=bad["id"])
    for account in (bad, good):
        town.judged(saying(REMOVE, account=account))
    while jobs.send_letters(town.haven):
        pass
    assert [whom for whom, _ in office.letters] == [["good@example.org"]]
    [row] = town.rows("SELECT last_error FROM notices WHERE email_state = 'intended'")
    assert row["last_error"] == "The mail host did not take it (ValueError)."


def test_who_was_erased_meanwhile_gets_no_letter(small_town: Town, office: Post) -> None:
    town = small_town
    account = person(town, "gone@example.org")
    task = town.judged(saying(REVIEW, account=account))["task"]
    town.judge(task, "warn")
    with town.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, town.here.platform, account["id"])
    while jobs.send_letters(town.haven):
        pass
    assert office.letters == []


def test_words_of_other_alphabets_arrive(small_town: Town, office: Post) -> None:
    town = small_town
    account: dict[str, Any] = person(town, "zoe@example.org")
    task = town.judged(saying(REVIEW, account=account))["task"]
    town.judge(task, "remove", facts="Ça dit « ЩЫ 你好 🙂 ».\n.\nDot alone. " + "long " * 300)
    while jobs.send_letters(town.haven):
        pass
    [letter] = office.to("zoe@example.org")
    assert "Ça dit « ЩЫ 你好 🙂 »." in letter.get_content()
    assert "Dot alone." in letter.get_content()
