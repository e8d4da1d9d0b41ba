"""What a back-test cannot do is said plainly, and nothing of it is guessed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backtest_scene import HERE, ME, RULES, begun, figures, found, run_with, tried, wish
from line_scene import OPERATOR, Scene, post, scene
from policy_scene import write

from openhaven import records
from openhaven.core import Problem, utcnow
from openhaven.line import Haven
from openhaven.policy import backtest, load
from openhaven.policy.backtest import Candidate, actions
from openhaven.storage.settings import Retention

HOUR = timedelta(hours=1)


@pytest.fixture
def here(haven: Haven, tmp_path: Path) -> Scene:
    run_with(haven, load(write(tmp_path / "running", {"rules.yaml": RULES})))
    place = scene(haven)
    place.accept(*(post("A zorgblat came by.", account={"id": f"a{n}"}) for n in range(4)))
    place.work()
    return place


@pytest.mark.parametrize(
    ("code", "since", "until"),
    [
        ("backtest.reversed", -HOUR, -2 * HOUR),
        ("backtest.reversed", -HOUR, -HOUR),
        ("backtest.future", HOUR, 2 * HOUR),
        ("backtest.long", -timedelta(days=400), HOUR),
        ("backtest.empty", -5 * HOUR, -4 * HOUR),
    ],
)
def test_a_period_without_sense(here: Scene, code: str, since: timedelta, until: timedelta) -> None:
    now = utcnow()
    asked = wish(here.haven.packs.current, since=now + since, until=now + until)
    with here.haven.db.begin(ME) as tx, pytest.raises(Problem) as told:
        backtest.start(tx, asked)
    assert told.value.code == code
    assert told.value.next_step
    assert here.rows("SELECT id FROM backtests") == []


def test_a_purpose_is_asked_for_and_stays_in_the_ledger(here: Scene) -> None:
    pack = here.haven.packs.current
    with here.haven.db.begin(ME) as tx, pytest.raises(Problem, match="what this back-test is for"):
        backtest.start(tx, wish(pack, purpose="  "))
    number = tried(here.haven, wish(pack)).id
    kinds = here.rows("""SELECT kind, actor FROM ledger_entries
                         WHERE ids ->> 'backtest' = %(id)s ORDER BY kind""", id=number)  # fmt: skip
    assert kinds == [{"kind": "backtest.done", "actor": "system:backtest"},
                     {"kind": "backtest.started", "actor": "system:tests"}]  # fmt: skip


def test_a_broken_draft_fails_with_its_mistakes(here: Scene) -> None:
    good = here.haven.packs.current
    files = {**good.files, "rules.yaml": RULES.replace("terms.bad", "terms.bat")}
    done = tried(here.haven, wish(good, tried=Candidate("broken", "sha256:0", files)))
    assert done.state == "failed"
    assert done.error is not None
    assert "rules.yaml:4" in done.error


def test_a_rule_that_is_never_answered_is_said_so(here: Scene, tmp_path: Path) -> None:
    rules = RULES + RULES.replace("bad-words", "asks").replace("terms.bad", "context.none > 3")
    told = figures(here.haven, wish(write(tmp_path / "draft", {"rules.yaml": rules})))
    assert told["rules"]["asks"]["unknown"] == 4
    assert told["notes"] == ["The rule “asks” could not be answered for any of 4 events."]


def test_what_is_gone_is_counted_by_reason(here: Scene, tmp_path: Path) -> None:
    haven = here.haven
    with haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE tasks SET state = 'cancelled', done_at = now()")
        records.erase(tx, here.platform, "a0")
    here.accept(post("Later on."))
    told = figures(haven, wish(haven.packs.current))
    assert told["skipped"] == {"erased": 1, "not judged": 1}
    assert told["evaluated"] == 3
    here.work()
    with haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE events SET body = NULL WHERE account = 'a2'")
    told = figures(haven, wish(haven.packs.current))
    assert told["skipped"] == {"erased": 1, "expired": 1}


def test_forgotten_features_are_not_taken_for_none(here: Scene, tmp_path: Path) -> None:
    banked = RULES.replace("terms.bad", '"\x27known\x27 in banks.positive"')
    draft = write(tmp_path / "draft", {"rules.yaml": banked})
    here.accept(post("see it at some.example"))
    here.work()
    told = figures(here.haven, wish(draft))
    # The pack in force asks no bank, so nobody knows what one would have said about the link.
    assert told["skipped"] == {"not measured": 5}
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE features_since SET since = now()")
    assert figures(here.haven, wish(draft))["skipped"] == {"features": 5}


def test_a_cancelled_one_stops_and_a_second_cancel_is_refused(here: Scene) -> None:
    number = begun(here.haven, wish(here.haven.packs.current))
    with here.haven.db.begin(ME) as tx:
        backtest.ask_cancel(tx, number)
    assert backtest.run(here.haven.db, number, HERE) == "cancelled"
    with here.haven.db.begin(ME) as tx, pytest.raises(Problem, match="cancelled already"):
        backtest.ask_cancel(tx, number)
    with here.haven.db.begin(ME) as tx:
        waiting = backtest.start(tx, wish(here.haven.packs.current))
        backtest.ask_cancel(tx, waiting)
    assert found(here.haven, waiting).state == "cancelled"


def test_one_runs_at_a_time_and_a_dead_one_is_taken_again_three_times(here: Scene) -> None:
    haven = here.haven
    number = begun(haven, wish(haven.packs.current))
    with haven.db.begin(ME) as tx:
        other = backtest.start(tx, wish(haven.packs.current))
        assert backtest.claim(tx, "else") is None
    later = utcnow()
    for attempt in (2, 3):
        later += timedelta(minutes=1)
        with haven.db.begin(ME, later) as tx:
            assert backtest.claim(tx, f"else{attempt}") == number
    with haven.db.begin(ME, later + timedelta(minutes=1)) as tx:
        assert backtest.claim(tx, "next") == other
    assert found(haven, number).state == "failed"
    assert "died three times" in str(found(haven, number).error)
    # Whoever was thought dead and lives after all stops without a trace.
    assert backtest.run(haven.db, other, "else3") == "running"
    assert backtest.run(haven.db, other, "next") == "done"


def test_an_orderly_end_gives_back_and_counts_no_attempt(here: Scene) -> None:
    number = begun(here.haven, wish(here.haven.packs.current))
    assert backtest.run(here.haven.db, number, HERE, stopping=lambda: True) == "waiting"
    assert found(here.haven, number).attempts == 0


def test_too_many_wait(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_WAITING", 1)
    with here.haven.db.begin(ME) as tx:
        backtest.start(tx, wish(here.haven.packs.current))
        with pytest.raises(Problem) as told:
            backtest.start(tx, wish(here.haven.packs.current))
    assert told.value.status == 429


def test_what_was_named_is_forgotten_and_the_figures_stay(here: Scene, tmp_path: Path) -> None:
    haven = here.haven
    draft = write(tmp_path / "draft", {"rules.yaml": RULES, "terms/bad.txt": "flumquist\n"})
    number = tried(haven, wish(draft)).id
    with haven.db.read() as tx:
        named = backtest.examples(tx, number)
    assert {(one.change, one.was, one.would) for one in named} == {("no longer", "review", "allow")}
    assert {one.platform for one in named} == {"here"}
    later: Any = utcnow() + timedelta(days=31)
    records.retain(haven.db, haven.blobs, Retention(), later)
    with haven.db.read() as tx:
        assert backtest.examples(tx, number) == []
    assert found(haven, number).figures


def test_only_those_who_draft_rules_look_and_it_is_in_the_ledger(
    here: Scene, tmp_path: Path
) -> None:
    haven = here.haven
    draft = write(tmp_path / "draft", {"rules.yaml": RULES, "terms/bad.txt": "flumquist\n"})
    number = tried(haven, wish(draft)).id
    with haven.db.begin(here.reviewer("Ann", "moderator")) as tx, pytest.raises(Problem) as told:
        backtest.look_at(tx, number)
    assert told.value.status == 403
    with haven.db.begin(here.reviewer("Pat", "policy")) as tx:
        looks = backtest.look_at(tx, number)
    assert {one.text for one in looks} == {"A zorgblat came by."}
    assert here.rows("SELECT actor FROM ledger_entries WHERE kind = 'backtest.looked'")
