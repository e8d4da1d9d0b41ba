"""Labels that platforms send: typed, for a time, and unknown where nobody said anything."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from line_scene import OPERATOR, Scene, post
from policy_scene import FILES, MANIFEST, rule, write
from rules_scene import REMOVE, put_in_force, say

from openhaven import intake, records
from openhaven.core import utcnow
from openhaven.intake import Event
from openhaven.line.walk import walk
from openhaven.policy import BrokenPack
from openhaven.policy.commands import pack as commands
from openhaven.policy.load import load_texts

DECLARED = f"""{MANIFEST}
[platform_labels]
account = {{verified = "bool", trust = "int", tier = "string", share = "double"}}
item = {{paid = "bool"}}
"""
ENDED = "2026-11-21T19:00:00Z"
SPEAK = rule(
    "account.label.verified == false && terms.bad", id="speak", then=REMOVE, unknown="ignore"
)


def force(here: Scene, *rules: str) -> None:
    put_in_force(here, *rules, manifest=DECLARED)


def by(account: str, *labels: dict[str, Any]) -> dict[str, Any]:
    return {"account": {"id": account, "labels": list(labels)}}


def outcomes(here: Scene, *bodies: dict[str, Any]) -> list[str]:
    here.accept(*bodies)
    here.work()
    return [here.verdict(body["id"])["outcome"] for body in bodies]


def label(name: str, value: Any = True, hours: float | None = None) -> dict[str, Any]:
    told = {"name": name, "value": value}
    if hours is not None:
        told["until"] = (utcnow() + timedelta(hours=hours)).isoformat()
    return told


def test_a_label_counts_with_its_event_and_with_an_end_for_later_ones(here: Scene) -> None:
    force(here, SPEAK)
    bad = "a zorgblat"
    assert outcomes(here, post(bad, **by("a1", label("verified", value=False)))) == ["remove"]
    assert outcomes(here, post(bad, **by("a1"))) == ["allow"]
    kept = by("a1", label("verified", value=False, hours=5))
    assert outcomes(here, post("hello", **kept), post(bad, **by("a1"))) == ["allow", "remove"]
    assert outcomes(here, post(bad, **by("a1")), post(bad, **by("a2"))) == ["remove", "allow"]
    better = by("a1", label("verified", value=True))
    assert outcomes(here, post(bad, **better), post(bad, **by("a1"))) == ["allow", "remove"]
    taken_back = by("a1", label("verified", value=None))
    assert outcomes(here, post(bad, **taken_back), post(bad, **by("a1"))) == ["allow", "allow"]


def test_a_label_ends_and_is_forgotten_and_goes_with_the_person(here: Scene) -> None:
    force(here, SPEAK)
    outcomes(here, post("hello", **by("a1", label("verified", value=False, hours=5))))
    late = utcnow() + timedelta(hours=6)
    body = post("a zorgblat", **by("a1"))
    here.accept(body)
    with here.haven.db.begin(OPERATOR, late) as tx:
        assert walk(here.haven, tx, intake.claim(tx, 9))[0].outcome == "allow"
    # It ended before the event, which is one of the day before.
    over = post("a zorgblat", **by("a1", {"name": "verified", "value": False, "until": ENDED}))
    assert outcomes(here, over) == ["allow"]
    with here.haven.db.begin(OPERATOR) as tx:
        assert b"verified" not in tx.value("SELECT data FROM told_labels")
        tx.run("UPDATE told_labels SET until = now() - interval '1 second'")
    records.retain(here.haven.db, here.haven.blobs, here.haven.settings.retention)
    assert here.rows("SELECT 1 FROM told_labels") == []
    outcomes(here, post("hello", **by("a1", label("verified", value=False, hours=5))))
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "a1")
    assert here.rows("SELECT 1 FROM told_labels") == []


def test_what_nobody_said_is_unknown_and_a_rule_can_ask_whether_it_is_known(here: Scene) -> None:
    force(
        here,
        rule("account.label.trust < 3", id="asks"),
        rule("item.label.paid.known && !item.label.paid", id="knows", then=REMOVE),
    )
    said = say(here, "hello", account={"id": "a1"})[0]
    assert said["outcome"] == "review"
    assert "lacks a value" in str(said["reasons"][0]["findings"])
    trusted = by("a1", label("trust", 4))
    assert outcomes(here, post("hello", **trusted)) == ["allow"]
    assert outcomes(here, post("hello", **by("a1", label("trust", 2)))) == ["review"]
    # Of another type than declared, it is not known; and a truth value is no number.
    for wrong in ("4", 4.5, True):
        assert outcomes(here, post("hello", **by("a1", label("trust", wrong)))) == ["review"]
    body = post("hello", **trusted)
    body["item"]["labels"] = [label("paid", value=False)]
    assert outcomes(here, body) == ["remove"]
    reasons = here.verdict(body["id"])["reasons"][0]["findings"]
    assert {one["value"] for one in reasons} == {"item.label.paid: False"}


def test_only_what_the_pack_declares_and_reads_is_kept(here: Scene) -> None:
    force(here, SPEAK)
    more = by("a1", label("trust", 4, hours=5), label("shoe_size", 43, hours=5))
    outcomes(here, post("hello", **more))
    assert here.rows("SELECT 1 FROM told_labels") == []


def test_who_is_aimed_at_has_labels_too(here: Scene) -> None:
    force(here, rule("target.label.tier == 'press' && terms.bad", id="press", then=REMOVE,
                     on=["message.send"], unknown="ignore"))  # fmt: skip
    outcomes(here, post("hello", **by("t1", label("tier", "press", hours=2))))
    aimed = {"kind": "message.send", "target": {"account": {"id": "t1"}}}
    assert outcomes(here, post("a zorgblat", **by("a1"), **aimed)) == ["remove"]
    other = {"kind": "message.send", "target": {"account": {"id": "t2"}}}
    assert outcomes(here, post("a zorgblat", **by("a1"), **other)) == ["allow"]


@pytest.mark.parametrize(
    ("manifest", "condition", "said"),
    [
        (DECLARED, "account.label.verifed", "Did you mean “account.label.verified”?"),
        (DECLARED, "account.label.trust == 'high'", "does not work with"),
        (DECLARED, "has(account.label.trust)", "write `account.label.trust.known`"),
        (f'{MANIFEST}\n[platform_labels]\naccount = {{a = "date"}}', "terms.bad", "Invalid enum"),
        (f'{MANIFEST}\n[platform_labels]\naccount = {{"A b" = "int"}}', "terms.bad", "be called"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_said_where_it_stands(manifest: str, condition: str, said: str) -> None:
    files = {**FILES, "pack.toml": manifest, "rules.yaml": rule(condition)}
    with pytest.raises(BrokenPack) as broken:
        load_texts(files)
    assert said in str(broken.value), str(broken.value)


def test_the_shape_is_guarded_and_examples_say_labels_as_events_do(tmp_path: Path) -> None:
    for wrong in ({"name": "Bad Name"}, {"name": "x", "value": [1]}, {"name": "x", "more": 1}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(post("hello", **by("a1", wrong)), Event)
    examples = """- name: unverified
  event: {kind: post.create, item: {text: a zorgblat},
          account: {labels: [{name: verified, value: false}]}}
  must_match: [speak]
- name: nobody said it
  event: {kind: post.create, item: {text: a zorgblat}}
  must_not_match: any
"""
    changed = {"pack.toml": DECLARED, "rules.yaml": SPEAK, "examples.yaml": examples}
    run = CliRunner().invoke(commands, ["test", str(write(tmp_path, changed))])
    assert run.exit_code == 0, run.output
