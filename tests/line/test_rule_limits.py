"""What rules may still do by themselves, and the numbers of what they did."""

import threading
from typing import Any

import msgspec
import pytest
from api_post import post_office
from click.testing import CliRunner
from line_scene import OPERATOR, Scene, post
from policy_scene import MANIFEST, rule
from rules_scene import REMOVE, appeal, numbers, put_in_force, say

from openhaven import intake, policy, signals
from openhaven.core import Problem
from openhaven.ledger import verify
from openhaven.line import jobs
from openhaven.line.telling import tell_owners
from openhaven.policy.commands import pack as pack_commands
from openhaven.signals import Finding
from openhaven.storage.settings import Alerts, Mail
from openhaven.web.metrics import Metrics


def test_beyond_its_daily_cap_a_rule_asks_a_person(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", id="capped", then=REMOVE, daily_cap=3))
    verdicts = say(here, *["a zorgblat"] * 5) + say(here, "a zorgblat")
    assert [one["outcome"] for one in verdicts] == ["remove"] * 3 + ["review"] * 3
    assert all(one["task"] for one in verdicts[3:])
    one = numbers(here, "capped")
    assert (one.matched, one.acted, one.capped, one.decided) == (6, 3, 3, 3)


def test_another_rule_still_acts_when_the_cap_of_the_first_is_used_up(here: Scene) -> None:
    put_in_force(
        here,
        rule("terms.bad", id="first", then={**REMOVE, "severity": 4}, daily_cap=1),
        rule("terms.bad || terms.worse", id="second", then={**REMOVE, "severity": 1}),
    )
    verdicts = say(here, "a zorgblat", "a zorgblat")
    assert [one["outcome"] for one in verdicts] == ["remove", "remove"]
    made = here.rows("SELECT decided_by FROM decisions ORDER BY id")
    assert sorted(one["decided_by"] for one in made) == ["rule:first", "rule:second"]


def test_a_cap_is_exact_whoever_judges(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", id="capped", then=REMOVE, daily_cap=5))
    bodies = [post("a zorgblat", account={"id": f"a{n}"}) for n in range(24)]
    here.accept(*bodies)

    def work() -> None:
        for _ in range(12):
            with here.haven.db.begin(jobs.ME) as tx:
                jobs.walk(here.haven, tx, intake.claim(tx, 2))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    here.work()
    outcomes = [here.verdict(body["id"])["outcome"] for body in bodies]
    assert (outcomes.count("remove"), outcomes.count("review")) == (5, 19)
    assert numbers(here, "capped").capped == 19


def overturned(here: Scene, times: int, outcome: str = "upheld") -> None:
    """Let the rule remove something, and let a person decide the appeal, so many times."""
    person = here.reviewer(f"{outcome}-{times}")
    for number in range(times):
        made = say(here, "a zorgblat", account={"id": f"{outcome}{number}"})[0]["decision"]
        here.judge(person, appeal(here, made), outcome)
        here.work()


def test_a_rule_that_is_overturned_too_often_only_asks_until_somebody_lifts_that(
    here: Scene,
) -> None:
    few = rule("terms.bad", id="often", then=REMOVE, fallback={"overturned": 0.5, "at_least": 3})
    put_in_force(here, few)
    overturned(here, 2)
    jobs.watch_rules(here.haven)
    assert say(here, "a zorgblat")[0]["outcome"] == "remove"
    overturned(here, 1, "rejected")
    jobs.watch_rules(here.haven)
    assert say(here, "a zorgblat")[0]["outcome"] == "review"
    one = numbers(here, "often")
    assert one.fallen is not None
    assert (one.reviewed, one.overturned) == (1, 2)
    kinds = "SELECT kind FROM ledger_entries WHERE kind LIKE 'rule.%%' ORDER BY kind"
    moderator = here.reviewer("a moderator")
    with pytest.raises(Problem, match="may not"), here.haven.db.begin(moderator) as tx:
        policy.lift(tx, "often", "I want it so.")
    with here.haven.db.begin(OPERATOR) as tx:
        policy.lift(tx, "often", "We took the wrong word out.")
    jobs.watch_rules(here.haven)
    assert say(here, "a zorgblat")[0]["outcome"] == "remove"
    assert [row["kind"] for row in here.rows(kinds)] == ["rule.fell_back", "rule.lifted"]
    with pytest.raises(Problem, match="has not fallen back"), here.haven.db.begin(OPERATOR) as tx:
        policy.lift(tx, "often", "Twice.")


def test_the_owner_of_a_rule_that_fell_back_is_told_once(here: Scene) -> None:
    bound = {"overturned": 0.5, "at_least": 1}
    put_in_force(here, rule("terms.bad", id="often", then=REMOVE, fallback=bound),
                 manifest=f'{MANIFEST}contact = "rules@example.org"\n')  # fmt: skip
    overturned(here, 1)
    jobs.watch_rules(here.haven)
    with post_office() as post:
        use_mail(here, post.port)
        post.refuse = b"451 later"
        assert tell_owners(here.haven) == 1
        assert told(here) == ("intended", 1)
        post.refuse = b""
        with here.haven.db.begin(OPERATOR) as tx:
            tx.run("UPDATE rule_messages SET next_at = %(now)s", now=tx.now)
        assert (tell_owners(here.haven), tell_owners(here.haven)) == (1, 0)
        [letter] = post.to("rules@example.org")
    assert letter["Subject"] == "The rule “often” only asks a person now"
    assert "of 1 appeals that ended, 1 were upheld" in letter.get_content()
    assert "/console/rules/rule/often" in letter.get_content()
    assert told(here) == ("sent", 2)
    kinds = "SELECT kind FROM ledger_entries WHERE kind LIKE 'rule.owner%%'"
    assert here.rows(kinds) == [{"kind": "rule.owner_sent"}]


def test_a_pack_without_a_contact_tells_staff_and_without_an_address_the_console_only(
    here: Scene,
) -> None:
    bound = {"overturned": 0.5, "at_least": 1}
    put_in_force(here, rule("terms.bad", id="often", then=REMOVE, fallback=bound))
    overturned(here, 1)
    jobs.watch_rules(here.haven)
    with here.haven.db.begin(OPERATOR) as tx:
        policy.lift(tx, "often", "To see it fall again.")
    use_mail(here, 0)
    tell_owners(here.haven)
    assert told(here) == ("skipped", 1)
    overturned(here, 2)
    jobs.watch_rules(here.haven)
    with post_office() as post:
        use_mail(here, post.port, "staff@example.org")
        assert tell_owners(here.haven) == 1
        assert len(post.to("staff@example.org")) == 1


def use_mail(here: Scene, port: int, staff: str = "") -> None:
    """Let letters go to a mail host here (0: to none), those to staff to `staff`."""
    mail = Mail(host="127.0.0.1" if port else "", port=port or 25, starttls=False)
    changed = msgspec.structs.replace(here.haven.settings, mail=mail, alerts=Alerts(email=staff))
    object.__setattr__(here.haven, "settings", changed)


def told(here: Scene) -> tuple[str, int]:
    row = here.rows("SELECT state, attempts FROM rule_messages")[0]
    return row["state"], row["attempts"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE rule_fallbacks SET overturned = 0", "was altered"),
        ("DELETE FROM rule_fallbacks", "is gone"),
        ("INSERT INTO rule_fallbacks (id, rule, pack, since, appeals, overturned) "
         "VALUES ('fbk_0', 'another', 'p', now(), 20, 20)", "without an entry"),
    ],
)  # fmt: skip
def test_who_makes_a_rule_fall_back_past_the_program_is_found_out(
    here: Scene, sql: str, said: str
) -> None:
    few = rule("terms.bad", id="often", then=REMOVE, fallback={"overturned": 0.5, "at_least": 1})
    put_in_force(here, few)
    overturned(here, 1)
    jobs.watch_rules(here.haven)
    here.haven.sequencer.tick()
    with here.haven.db.read() as tx:
        assert verify(tx, None, here.haven.signer.vkey).ok
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run(sql)
    with here.haven.db.read() as tx:
        assert said in str(verify(tx, None, here.haven.signer.vkey))


def test_a_rule_that_fell_back_does_not_stand_before_a_sound_one(here: Scene) -> None:
    pack = put_in_force(
        here,
        rule("terms.bad", id="first", then={**REMOVE, "severity": 4}),
        rule("terms.bad || terms.worse", id="second", then=REMOVE),
    )
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run(
            """INSERT INTO rule_fallbacks (id, rule, pack, since, appeals, overturned)
               VALUES ('fbk_1', 'first', %(pack)s, now(), 20, 20)""",
            pack=pack.fingerprint,
        )
    assert say(here, "a zorgblat")[0]["outcome"] == "remove"
    assert here.rows("SELECT decided_by FROM decisions") == [{"decided_by": "rule:second"}]


def test_every_rule_is_counted_and_unknown_is_never_nothing(here: Scene) -> None:
    put_in_force(
        here,
        rule("terms.bad", id="live", then=REMOVE),
        rule("terms.worse", id="watching", then=REMOVE, mode="shadow"),
        rule("context.score > 3", id="asks", unknown="ignore"),
    )
    say(here, "a zorgblat", "a flumquist", "good day")
    for _ in range(2):
        live, watching, asks = (numbers(here, name) for name in ("live", "watching", "asks"))
        assert (live.matched, live.acted, live.decided) == (1, 1, 1)
        assert (watching.shadow, watching.matched, watching.acted) == (1, 0, 0)
        assert (asks.unknown, asks.matched) == (3, 0)
        jobs.watch_rules(here.haven)
    assert here.rows("SELECT count(*) AS n FROM rule_counts") == [{"n": 0}]
    matched = here.rows("SELECT rule, e.id FROM shadow_matches s JOIN events e ON e.seq = s.event")
    assert [one["rule"] for one in matched] == ["watching"]


def test_stats_are_printed_and_measured(here: Scene) -> None:
    put_in_force(here, rule("context.score > 3", id="asks", unknown="ignore"))
    say(here, "good day", "good night")
    text = Metrics().text(here.haven).decode()
    assert 'openhaven_rule_today{rule="asks",what="unknown"} 2.0' in text
    assert "openhaven_held_back 0.0" in text
    done = CliRunner().invoke(pack_commands, ["stats", "--days", "1"], obj=here.haven)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert lines[0][:2] == ["rule", "matched"]
    row = dict(zip(lines[0], next(one for one in lines if one[0] == "asks"), strict=True))
    assert (row["unknown"], row["matched"]) == ("2", "0")


class Counting:
    """A signal that counts how often it is asked."""

    name = "counting"
    version = "1"
    gives = frozenset({"terms"})

    def __init__(self) -> None:
        self.asked = 0

    def measure(self, event: intake.Event, media: Any) -> list[Finding]:
        self.asked += 1
        return []


def test_a_signal_that_no_rule_needs_for_an_event_is_not_asked(here: Scene) -> None:
    counting = Counting()
    pack = put_in_force(
        here, rule("account.country == 'DE' && terms.bad"), rule("links.tricks", id="two")
    )
    events = [
        msgspec.convert(post("hi", account={"id": "a", "country": country}), intake.Event)
        for country in ("DE", "GB", "FR")
    ]
    needed = [pack.needs(one) for one in events]
    signals.measure(events, {}, [counting], needed=needed)
    assert counting.asked == 1
    signals.measure(events[1:], {}, [counting], needed=needed[1:])
    assert counting.asked == 1
    signals.measure(events, {}, [counting])
    assert counting.asked == 4
