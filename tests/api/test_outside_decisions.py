"""Decisions made outside, over HTTP: complete or not at all, once each, and as contestable."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from api_scene import HARMLESS, Town, name, problem, saying, together
from line_scene import OPERATOR
from test_decisions import check_statement, schema  # noqa: F401 (a fixture)

from openhaven import decisions, ledger


def said(town: Town, **changes: Any) -> dict[str, Any]:
    """Return a complete decision on a fresh post, with changes; None leaves a member out."""
    event = saying(HARMLESS)
    assert town.send(event).status == 202
    town.work()
    whole = {
        "id": name("their"), "outcome": "restrict", "harm": "scam", "clause": "reports",
        "facts": "It offers what it does not have.", "source": "own_initiative",
        "automated_detection": False, "automated_decision": "not", "content_type": ["TEXT"],
        "content_at": event["at"], "item": event["item"]["id"], "account": event["account"]["id"],
    } | changes  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def told(town: Town, **changes: Any) -> str:
    reply = town.ask("POST", "/v1/decisions", said(town, **changes))
    assert reply.status == 201, reply.body
    return str(reply.json["decision"])


def soon(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("outcome", ["restrict", "remove", "block", "warn", "allow", "suspend"])
def test_it_gets_what_our_own_get(town: Town, schema: Any, outcome: str) -> None:  # noqa: F811
    until = soon(3) if outcome == "suspend" else None
    made = told(town, outcome=outcome, until=until)
    town.work()
    if outcome not in ("warn", "allow"):
        check_statement(town, made, schema)
    shown = town.ask("GET", f"/v1/decisions/{made}").json
    assert shown["clause_text"] == town.haven.packs.current.clauses["reports"].text
    assert (shown["outcome"], shown["facts"]) == (outcome, "It offers what it does not have.")
    wanted = {"allow": set(), "warn": {"warn", "notify"}}.get(outcome, {outcome, "notify"})
    assert {act["verb"] for act in shown["acts"]} == wanted
    text = town.ask("GET", f"/v1/decisions/{made}/receipt").body.decode()
    proven = ledger.check_receipt(text, town.haven.signer.vkey)
    assert "It offers what it does not have." in (proven.words or "")
    assert proven.fields["actor"].startswith("platform:key_")
    struck = town.rows("SELECT state FROM strikes WHERE decision = %(d)s", d=made)
    assert struck == ([] if outcome == "allow" else [{"state": "counts"}])


def test_what_is_done_already_is_not_asked_for_again_and_can_be_undone(town: Town) -> None:
    made = told(town, outcome="remove", carried_out=True)
    town.work()
    acts = {act["verb"]: act for act in town.ask("GET", f"/v1/decisions/{made}").json["acts"]}
    assert acts["remove"]["state"] == "done"
    arrived = [act["verb"] for act in town.receiver.acts if act["decision"] == made]
    assert arrived == ["notify"]
    appeal = town.ask("POST", f"/v1/decisions/{made}/appeals", {"text": "It was mine."}).json
    task = town.rows("SELECT id FROM tasks WHERE appeal = %(a)s", a=appeal["appeal"])[0]["id"]
    town.here.judge(town.person("ben"), task, "upheld")
    town.work()
    arrived = [act["verb"] for act in town.receiver.acts if act["decision"] == made]
    assert sorted(arrived) == ["notify", "notify", "restore"]
    assert town.ask("GET", f"/v1/decisions/{made}").json["state"] == "overturned"


def test_a_platform_hides_something_for_a_while_and_only_once(town: Town) -> None:
    whole = said(town, interim=True, until=soon(5))
    first = town.ask("POST", "/v1/decisions", whole)
    assert first.status == 201, first.body
    made = str(first.json["decision"])
    [row] = town.rows("SELECT decided_by FROM decisions WHERE id = %(d)s", d=made)
    assert row["decided_by"].startswith("held:staff:platform:")
    with town.haven.db.read() as tx:
        found = decisions.decision(tx, made)
        told_so = decisions.notice_text(tx, made)
    assert found.interim
    assert told_so is not None
    assert "We hold what you posted" in told_so.text
    assert "It is no strike" in told_so.text
    assert town.rows("SELECT 1 AS one FROM strikes WHERE decision = %(d)s", d=made) == []
    again = whole | {"id": name("their")}
    assert problem(town.ask("POST", "/v1/decisions", again), 409)["code"] == "interim.hidden"
    with town.haven.db.begin(OPERATOR, datetime.now(UTC) + timedelta(days=6)) as tx:
        decisions.cancel_expired(tx)
    assert problem(town.ask("POST", "/v1/decisions", again), 409)["code"] == "interim.hidden"
    # The decision itself is another matter.
    final = again | {"interim": False, "outcome": "remove"}
    assert town.ask("POST", "/v1/decisions", {**final, "until": None}).status == 201


@pytest.mark.parametrize(
    "changes",
    [{"until": None}, {"until": soon(8)}, {"outcome": "remove"}, {"measure": "demote"},
     {"item": None}, {"automated_decision": "fully"}],
)  # fmt: skip
def test_what_hides_for_a_while_is_short_and_of_an_item(town: Town, changes: dict) -> None:
    given = said(town, **({"interim": True, "until": soon(5)} | changes))
    refused = problem(town.ask("POST", "/v1/decisions", given), 400)
    assert refused["code"] == "decision.interim"


REQUIRED = ("id", "outcome", "harm", "clause", "facts", "source", "automated_detection",
            "automated_decision", "content_type", "content_at")  # fmt: skip


@pytest.mark.parametrize("member", REQUIRED)
def test_complete_or_not_at_all(town: Town, member: str) -> None:
    before = town.number("SELECT count(*) FROM decisions")
    refused = problem(town.ask("POST", "/v1/decisions", said(town, **{member: None})), 400)
    assert f"`{member}`" in refused["detail"]
    assert town.number("SELECT count(*) FROM decisions") == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome": "terminate"}, "body.wrong"), ({"outcome": ""}, "body.wrong"),
        ({"harm": "nonsense"}, "harm.unknown"), ({"clause": "nowhere"}, "clause.missing"),
        ({"pack": "f00d"}, "pack.missing"), ({"facts": ""}, "body.wrong"),
        ({"facts": "  \n "}, "decision.facts"), ({"facts": "x" * 5_001}, "body.wrong"),
        ({"facts": "a\0b"}, None), ({"scope": []}, "body.wrong"),
        ({"scope": ["de"]}, "decision.scope"), ({"scope": ["DE", "DE"]}, "decision.scope"),
        ({"scope": ["*", "DE"]}, "decision.scope"), ({"scope": ["D\n"]}, "decision.scope"),
        ({"until": soon(-1)}, "decision.until"), ({"until": soon(4_000)}, "decision.until"),
        ({"until": "2030-01-01T00:00:00"}, "body.wrong"), ({"until": 3}, "body.wrong"),
        ({"outcome": "warn", "until": soon(1)}, "decision.until"),
        ({"content_at": soon(3)}, "decision.content_at"),
        ({"content_at": "1890-01-01T00:00:00Z"}, "decision.content_at"),
        ({"content_type": []}, "body.wrong"), ({"content_type": ["POEM"]}, "body.wrong"),
        ({"item": None, "account": None}, "decision.subject"),
        ({"outcome": "suspend"}, "decision.two_people"),
        ({"outcome": "suspend", "until": soon(1), "automated_decision": "fully"},
         "decision.automated"),
        ({"outcome": "warn", "account": None}, "decision.account"),
        ({"account": "somebody-else"}, "decision.account"), ({"surprise": 1}, "body.wrong"),
        ({"language": "x"}, "body.wrong"), ({"source": "rumour"}, "body.wrong"),
        ({"id": ""}, "body.wrong"), ({"id": "x" * 301}, "body.wrong"),
        ({"automated_decision": "hardly"}, "body.wrong"), ({"carried_out": "yes"}, "body.wrong"),
        ({"decided_by": "staff:stf_1"}, "body.wrong"), ({"judgement": "jdg_1"}, "body.wrong"),
        ({"permanent": True}, "body.wrong"), ({"platform": "plt_1"}, "body.wrong"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_whole(
    town: Town, changes: dict[str, Any], code: str | None
) -> None:
    before = [town.number(f"SELECT count(*) FROM {t}") for t in ("decisions", "acts", "notices")]
    refused = problem(town.ask("POST", "/v1/decisions", said(town, **changes)), 400)
    assert code is None or refused["code"] == code
    after = [town.number(f"SELECT count(*) FROM {t}") for t in ("decisions", "acts", "notices")]
    assert after == before


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"id":' * 200, b"\xff", b"[1]"])
def test_what_is_no_decision_is_refused(town: Town, raw: bytes) -> None:
    problem(town.ask("POST", "/v1/decisions", raw), 400)
    made = told(town)
    problem(town.ask("POST", f"/v1/decisions/{made}/appeals", raw), 400)


def test_an_account_that_nobody_told_of(town: Town) -> None:
    refused = town.ask("POST", "/v1/decisions", said(town, item="new-item", account=name()))
    assert problem(refused, 404)["code"] == "account.unknown"


def test_an_item_that_nobody_told_of(town: Town) -> None:
    """It is still decided; without an account there is nobody to tell."""
    made = told(town, item=name("item"), account=None)
    assert town.ask("GET", f"/v1/decisions/{made}").json["account"] is None
    assert town.ask("GET", f"/v1/decisions/{made}/statement").json["notice"] is None


def test_whose_an_item_is_need_not_be_said(town: Town) -> None:
    whole = said(town)
    account = whole.pop("account")
    made = town.ask("POST", "/v1/decisions", whole).json["decision"]
    assert town.ask("GET", f"/v1/decisions/{made}").json["account"] == account


def test_sent_again_it_is_the_same(town: Town) -> None:
    whole = said(town)
    first = town.ask("POST", "/v1/decisions", whole)
    again = town.ask("POST", "/v1/decisions", whole)
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    other = town.ask("POST", "/v1/decisions", whole | {"facts": "Something else."})
    assert problem(other, 409)["code"] == "decision.conflict"
    # An id counts for one platform only, and so do its items.
    theirs = said(town) | {"id": whole["id"], "account": None, "item": name()}
    theirs.pop("account")
    assert town.ask("POST", "/v1/decisions", theirs, key=town.there.key).status == 201


def test_sent_ten_times_at_once_it_is_one(town: Town) -> None:
    whole = said(town)
    replies = together(*[lambda: town.ask("POST", "/v1/decisions", whole)] * 10)
    assert sorted(reply.status for reply in replies) == [200] * 9 + [201]
    assert len({reply.json["decision"] for reply in replies}) == 1
    count = "SELECT count(*) FROM decisions WHERE item = %(i)s"
    assert town.number(count, i=whole["item"]) == 1


def test_a_rule_and_a_platform_may_decide_on_the_same_item(town: Town) -> None:
    event = saying("zorgblat")
    by_rule = town.judged(event)["decision"]
    whole = said(town, item=event["item"]["id"], account=event["account"]["id"])
    assert town.ask("POST", "/v1/decisions", whole).json["decision"] != by_rule


def test_nobody_decides_for_another_platform(town: Town) -> None:
    made = told(town)
    for path in (f"/v1/decisions/{made}", f"/v1/decisions/{made}/statement"):
        problem(town.ask("GET", path, key=town.there.key), 404)
    words = {"text": "I did not do it."}
    problem(town.ask("POST", f"/v1/decisions/{made}/appeals", words, key=town.there.key), 404)
    problem(town.ask("POST", f"/v1/decisions/{made}/appeals", words, key=""), 401)
    problem(town.ask("POST", "/v1/decisions", said(town), key=""), 401)


def test_a_platform_passes_on_an_appeal_once(town: Town) -> None:
    made = told(town)
    path, words = f"/v1/decisions/{made}/appeals", {"text": "I did not do it."}
    first, again = (town.ask("POST", path, words) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert first.json["state"] == "open"
    assert f"/appeal/{town.token(made)}" in first.json["url"]
    other = problem(town.ask("POST", path, {"text": "Something else."}), 409)
    assert other["code"] == "appeal.twice"
    assert town.number("SELECT count(*) FROM appeals WHERE decision = %(d)s", d=made) == 1
    problem(town.ask("POST", "/v1/decisions/dec_none/appeals", words), 404)
    problem(town.ask("POST", path, {"text": ""}), 400)
    problem(town.ask("POST", path, {"text": "x" * 10_001}), 400)
    problem(town.ask("POST", path, {"text": "x", "by": "me"}), 400)


def test_ten_appeals_at_once_are_one(town: Town) -> None:
    path = f"/v1/decisions/{told(town)}/appeals"
    replies = together(*[
        lambda n=n: town.ask("POST", path, {"text": f"Number {n}."}) for n in range(10)
    ])  # fmt: skip
    assert sorted(reply.status for reply in replies) == [201] + [409] * 9


def test_an_appeal_comes_too_late(town: Town) -> None:
    made = told(town)
    with town.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE decisions SET decided_at = now() - interval '400 days',
                    appeal_until = now() - interval '1 day' WHERE id = %(d)s""",
               d=made)  # fmt: skip
    late = problem(town.ask("POST", f"/v1/decisions/{made}/appeals", {"text": "x"}), 410)
    assert late["code"] == "appeal.late"


def test_the_database_refuses_a_suspension_without_a_person(town: Town) -> None:
    made = told(town, outcome="suspend", until=soon(3))
    for change in ("automated_decision = 'fully'", "until = NULL, permanent = true",
                   "decided_by = 'rule:x'"):  # fmt: skip
        with pytest.raises(psycopg.errors.CheckViolation), town.haven.db.begin(OPERATOR) as tx:
            tx.run(f"UPDATE decisions SET {change} WHERE id = %(d)s", d=made)


def test_a_timed_act_ends_by_itself(small_town: Town) -> None:
    made = told(small_town, until=soon(2))
    small_town.work()
    with small_town.haven.db.begin(OPERATOR, datetime.now(UTC) + timedelta(days=3)) as tx:
        assert decisions.cancel_expired(tx) == 1
    shown = small_town.ask("GET", f"/v1/decisions/{made}").json
    assert shown["state"] == "expired"
    assert {act["verb"] for act in shown["acts"]} == {"restrict", "notify", "unrestrict"}
