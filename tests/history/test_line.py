"""Counters in the line: from an event that is sent to the verdict of a rule that reads them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from line_scene import Scene, event, scene

from openhaven import history, intake, line, policy, records
from openhaven.core import Problem, new_id, system
from openhaven.history.commands import counters
from openhaven.intake import Event
from openhaven.line import Haven, jobs
from openhaven.line.answer import MOST_BEFORE
from openhaven.policy.holder import in_force

PACK = {
    "pack.toml": 'name = "counting"\nversion = "1.0.0"\nowner = "The tests"\n'
    'languages = ["en"]\njurisdictions = ["*"]\n',
    "policy.md": "# Rules\n\n## Leave people alone {#alone}\nGround: terms, a rule\n\nPlease.\n",
    "rules.yaml": """
- id: many-minors
  clause: alone
  on: [message.send]
  when: counters.minors.in_1h >= 3
  then: {outcome: review, harm: harassment}
- id: same-text
  clause: alone
  on: [message.send]
  when: counters.said.in_1d >= 2
  then: {outcome: review, harm: spam}
- id: third
  clause: alone
  on: [post.create]
  mode: shadow
  when: counters.posts.in_1d == 3
  then: {outcome: review, harm: spam}
""",
    "counters.yaml": """
minors:
  distinct: target.account.id
  by: account.id
  on: [message.send]
  where: 'target.age_band == "13-15"'
  in: 1h
said: {count: events, by: text, on: [message.send], where: context.loud == true, in: 1d}
posts: {count: events, by: account.id, on: [post.create], in: 1d}
""",
}


@pytest.fixture
def here(haven: Haven, tmp_path: Path) -> Scene:
    """Return a scene in which the counting pack is in force."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in PACK.items():
        (folder / name).write_text(text)
    pack = policy.load(folder)
    with haven.db.begin(system("test")) as tx:
        policy.register(tx, pack)
    haven.packs.swap(in_force(pack, haven.banks))
    return scene(haven)


def message(to: str, **changes: object) -> dict[str, object]:
    target = {"account": {"id": to, "age_band": "13-15"}}
    return event(kind="message.send", target=target, **changes)


def counts(here: Scene, found: list[dict[str, object]]) -> list[str]:
    return [str(here.verdict(str(one["id"]))["outcome"]) for one in found]


def test_the_third_minor_in_an_hour_is_seen_by_a_person(here: Scene) -> None:
    sent = [message(name) for name in ("m1", "m2", "m1", "m3", "m4")]
    here.accept(*sent[:2])
    here.work()
    here.accept(*sent[2:])
    here.work()
    assert counts(here, sent) == ["allow", "allow", "allow", "review", "review"]
    ((reason,), task) = (here.verdict(str(sent[3]["id"]))[name] for name in ("reasons", "task"))
    assert [(one["signal"], one["value"]) for one in reason["findings"]] == [
        ("history", "minors.in_1h: 3")
    ]
    assert task


def test_an_event_sent_twice_counts_once(here: Scene) -> None:
    sent = [message("m1"), message("m2")]
    for _ in range(3):
        here.accept(*sent)
        here.work()
    last = message("m3")
    here.accept(last)
    here.work()
    assert counts(here, [*sent, last]) == ["allow", "allow", "review"]


def test_a_failed_batch_counts_nothing(here: Scene) -> None:
    here.accept(message("m1"), message("m2"))
    with pytest.raises(RuntimeError):
        _walk_and_fail(here.haven)
    here.work()
    assert here.rows("SELECT count(*) AS n FROM history")[0]["n"] == 1
    third = message("m2")
    here.accept(third)
    here.work()
    assert counts(here, [third]) == ["allow"]


def _walk_and_fail(haven: Haven) -> None:
    with haven.db.begin(system("worker")) as tx:
        line.walk(haven, tx, intake.claim(tx, 10))
        raise RuntimeError("the machine is switched off")


def test_the_synchronous_answer_counts_as_well(here: Scene) -> None:
    sent = [message(name) for name in ("m1", "m2", "m3")]
    outcomes = [ask(here, one) for one in sent]
    assert outcomes == ["allow", "allow", "review"]


def ask(here: Scene, body: dict[str, object], patience: float = 60.0) -> str | None:
    one = msgspec.convert(body, Event)
    with here.haven.db.read() as tx:
        now = tx.now
    _, verdict = line.answer(here.haven, here.actor, now, here.platform, one, patience)
    return str(verdict["outcome"]) if verdict else None


def test_no_event_overtakes_an_earlier_one_of_its_account(here: Scene) -> None:
    """While one is under way elsewhere, later ones wait, and those of others do not."""
    first, second, other = message("m1"), message("m2"), message("m1", account={"id": "a2"})
    here.accept(first)
    with here.haven.db.begin(system("worker")) as held:
        assert len(intake.claim(held, 10)) == 1
        here.accept(second, other)
        with here.haven.db.begin(system("worker")) as tx:
            assert [one.event.account.id for one in intake.claim(tx, 10)] == ["a2"]
        # Nor does a synchronous answer: it has none, but for the worker it is stored.
        third = message("m3")
        assert ask(here, third, patience=0.2) is None
    here.work()
    assert counts(here, [first, second, other, third]) == ["allow", "allow", "allow", "review"]


def test_the_synchronous_answer_waits_for_what_came_before(here: Scene) -> None:
    here.accept(message("m1"), message("m2"))
    done = threading.Event()
    worker = threading.Thread(target=_work_until, args=(here.haven, done))
    worker.start()
    try:
        assert ask(here, message("m3"), patience=10) == "review"
    finally:
        done.set()
        worker.join()


def test_the_synchronous_answer_takes_along_what_came_before(here: Scene) -> None:
    sent = [message("m1"), message("m2", account={"id": "a2"}), message("m2")]
    here.accept(*sent)
    assert ask(here, message("m3")) == "review"
    # Of others nothing was taken.
    assert here.rows("SELECT id FROM events WHERE state = 'received'") == [{"id": sent[1]["id"]}]
    assert counts(here, [sent[0], sent[2]]) == ["allow", "allow"]
    here.accept(*(message("m1", account={"id": "a3"}) for _ in range(MOST_BEFORE)))
    assert ask(here, message("m2", account={"id": "a3"}), patience=0.3) is None
    here.work()
    assert ask(here, message("m3", account={"id": "a3"})) == "review"


def _work_until(haven: Haven, done: threading.Event) -> None:
    while not done.is_set():
        if not jobs.judge_events(haven):
            time.sleep(0.02)


def test_hammering_the_same_keys_loses_nothing_and_never_deadlocks(here: Scene) -> None:
    """Three workers and two synchronous senders, all on the same five accounts."""
    each, waiting = 60, []
    for n in range(each):
        body = event(kind="post.create", account={"id": f"a{n % 5}"}, id=f"w{n:03}")
        waiting.append(body)
    here.accept(*waiting)
    done, failures = threading.Event(), list[BaseException]()

    def safely(job: Callable[[], object]) -> None:
        try:
            job()
        except Exception as error:
            failures.append(error)

    def send(who: int) -> None:
        for n in range(each):
            ask(here, event(kind="post.create", account={"id": f"a{n % 5}"}, id=f"s{who}-{n:03}"))

    senders = [threading.Thread(target=safely, args=(lambda who=who: send(who),))
               for who in range(2)]  # fmt: skip
    workers = [threading.Thread(target=safely, args=(lambda: _work_until(here.haven, done),))
               for _ in range(3)]  # fmt: skip
    for thread in (*senders, *workers):
        thread.start()
    for thread in senders:
        thread.join()
    end = time.monotonic() + 300
    while here.rows("SELECT 1 FROM events WHERE state = 'received'") and time.monotonic() < end:
        time.sleep(0.05)
    done.set()
    for thread in workers:
        thread.join()
    assert failures == []
    assert here.rows("SELECT 1 FROM events WHERE state <> 'done'") == []
    # One more of each tells the totals.
    replayed = _totals(here)
    assert replayed == {f"a{n}": 3 * each // 5 + 1 for n in range(5)}


def _totals(here: Scene) -> dict[str, int]:
    pack = here.haven.packs.current
    events = [msgspec.convert(event(account={"id": f"a{n}"}, id=new_id("t")), Event)
              for n in range(5)]  # fmt: skip
    claimed = [intake.Claimed(10_000 + n, here.platform, "per", one, True)
               for n, one in enumerate(events)]  # fmt: skip
    counters = [msgspec.structs.replace(one, asked=one.on) for one in pack.counters]
    with here.haven.db.begin(system("test")) as tx:
        values = history.count(tx, claimed, counters)
    return {one.account.id: int(told["posts.in_1d"])
            for one, told in zip(events, values, strict=True)}  # fmt: skip


def test_content_that_must_not_be_read_is_not_counted_by(here: Scene) -> None:
    private = {"id": "c", "visibility": "private"}
    secret = [message("m1", context={"loud": True}, conversation=private) for _ in range(3)]
    public = [message("m1", context={"loud": True}) for _ in range(2)]
    here.accept(*secret, *public)
    here.work()
    assert counts(here, secret) == ["allow", "allow", "allow"]
    assert counts(here, public) == ["allow", "review"]


def test_erasing_a_person_forgets_what_was_counted(here: Scene) -> None:
    here.accept(message("m1"), message("m2"))
    here.work()
    with here.haven.db.begin(system("operator")) as tx:
        records.erase(tx, here.platform, "a1")
    assert here.rows("SELECT 1 FROM history") == []
    with pytest.raises(Problem), here.haven.db.begin(system("operator")) as tx:
        records.erase(tx, here.platform, "a1")


def test_the_operator_sees_what_is_counted(here: Scene) -> None:
    with here.haven.db.begin(system("test")) as tx:
        history.begin(tx, here.haven.packs.current.counters)
    here.accept(message("m1"))
    here.work()
    shown = CliRunner().invoke(counters, ["show"], obj=here.haven).output.splitlines()
    assert shown[0] == (
        "minors: distinct target.account.id by account.id, on message.send,"
        ' where target.age_band == "13-15", in 1h'
    )
    assert shown[1].startswith("  counts since ")
    assert shown[1].endswith(" UTC; not yet for the whole of 1h")
    assert shown[-1].startswith("All counters take 1 rows, ")
    with here.haven.db.begin(system("test")) as tx:
        history.begin(tx, ())
    shown = CliRunner().invoke(counters, ["show"], obj=here.haven).output.splitlines()
    assert shown[0] == "The policy in force counts nothing."
