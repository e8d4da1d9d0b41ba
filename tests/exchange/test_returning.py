"""Who was ended for good and comes back: met, never refused; and forgotten with the decision."""

import hashlib
import hmac
import json
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from line_scene import NOW, OPERATOR, scene
from pages_visitor import Visitor
from policy_scene import errors_of, rule
from returning_scene import ALL, CARD, DEVICE, FACE, MAIL, NET, PHONE, Return, ids
from web_scene import Place, serving

from openhaven import decisions, intake, ledger, records, staff
from openhaven.core import HARMS, Actor, Problem, new_id, utcnow
from openhaven.decisions.appeals.actions import undo
from openhaven.exchange import returning
from openhaven.exchange.returning import contests, expiry, keys, store
from openhaven.exchange.returning.model import Hit, ends, epoch_of, weigh
from openhaven.exchange.returning.normal import normal
from openhaven.line import Haven
from openhaven.storage import Settings

SAME_MAIL = ("email", "someone@googlemail.com")
DATA = returning.setting()


@pytest.fixture
def back(haven: Haven) -> Return:
    here = scene(haven)
    return Return(here, here.reviewer("ana"), here.reviewer("ben"))


def overturned(back: Return, decision: str) -> None:
    with back.haven.db.begin(OPERATOR) as tx:
        assert undo(tx, decisions.decision(tx, decision), "jdg_by_a_test")


# Meeting --------------------------------------------------------------------------------------


def test_who_comes_back_is_met_by_a_person_and_never_refused(back: Return) -> None:
    made = back.ended(account="old")
    assert back.rows_of("returning_entries") == [("intended", "grooming")]
    assert back.comes(SAME_MAIL, DEVICE)["outcome"] == "allow"
    kept = back.hand_over(made)
    assert (kept.tokens, kept.unread) == (6, [])
    assert back.hand_over(made).tokens == 6
    verdict = back.comes(SAME_MAIL, DEVICE, account="new")
    told = verdict["returning"]
    assert (verdict["outcome"], verdict["decision"]) == ("review", None)
    assert (told["strength"], told["review"], told["friction"]) == ("strong", True, False)
    # What is stored does not open the newcomer's page.
    link = told["contest_url"].rpartition("/")[2]
    stored = back.here.rows("SELECT verdict::text AS text FROM events WHERE verdict IS NOT NULL")
    assert not any(link[26:] in row["text"] for row in stored)
    [task] = back.here.rows("""SELECT t.queue, t.severity, c.harm, c.account FROM tasks t
                               JOIN cases c ON c.id = t.case_id WHERE t.id = %(t)s""",
                            t=verdict["task"])  # fmt: skip
    assert list(task.values()) == ["returning", 3, "ban_evasion", "new"]
    # What a household has in common is looked at, too, and is no more than that.
    assert back.comes(CARD, DEVICE, NET)["returning"]["strength"] == "household"
    # One family, however much of it, and what is weak alone say nothing.
    for few in ((SAME_MAIL, PHONE), (DEVICE, NET, FACE), (FACE,), ()):
        assert back.comes(*few) | {"event": ""} == back.comes() | {"event": ""}
    # Neither does one's own, nor what is said to be shared by many.
    assert "returning" not in back.comes(*ALL, account="old")
    shared = [{"kind": kind, "value": value, "shared": True} for kind, value in ALL]
    assert "returning" not in back.comes(identifiers=shared)
    assert back.count("decisions", "account IS DISTINCT FROM 'old'") == 0
    assert back.count("returning_sightings") == 2


def test_what_is_doubted_or_grave_is_no_matter_of_friction(back: Return) -> None:
    object.__setattr__(back.haven, "settings", Settings(home=back.haven.settings.home,
                                                         returning="friction"))  # fmt: skip
    made = back.ended()
    back.hand_over(made)
    grave = back.comes(SAME_MAIL, FACE)["returning"]
    assert (grave["review"], grave["friction"]) == (True, False)
    with back.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE returning_entries SET class = 'harassment'")
    verdict = back.comes(SAME_MAIL, FACE)
    soft = verdict["returning"]
    assert (verdict["outcome"], soft["review"], soft["friction"]) == ("allow", False, True)
    assert soft["until"]
    # What only a household shares, and what an appeal puts in doubt, a person looks at.
    home = back.comes(CARD, DEVICE)["returning"]
    assert (home["review"], home["friction"]) == (True, False)
    with back.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "It was not me.")
    doubted = back.comes(SAME_MAIL, FACE)["returning"]
    assert (doubted["review"], doubted["friction"]) == (True, False)


def test_switched_off_nothing_is_noted(back: Return) -> None:
    back.hand_over(back.ended())
    object.__setattr__(back.haven, "settings", Settings(home=back.haven.settings.home,
                                                         returning="off"))  # fmt: skip
    assert "returning" not in back.comes(*ALL)
    assert back.count("returning_sightings") == 0


def test_a_key_that_cannot_be_opened_is_unknown_and_nobody_waits(back: Return) -> None:
    back.hand_over(back.ended())
    with back.haven.db.begin(OPERATOR) as tx:
        tx.keys.destroy(store.kept_for(back.here.platform, epoch_of(utcnow().date())))
    verdict = back.comes(*ALL)
    assert (verdict["outcome"], verdict["task"]) == ("allow", None)
    assert verdict["returning"] == {"strength": "unknown", "review": False, "friction": False}


@given(st.lists(st.tuples(
    st.sampled_from(["a", "b", "c"]), st.sampled_from(sorted(DATA.families)), st.booleans(),
    st.booleans(), st.booleans()), max_size=12), st.sampled_from(["off", "review", "friction"]),
    st.sampled_from(sorted(DATA.classes)))  # fmt: skip
def test_no_answer_refuses_and_two_families_are_needed(
    met: list[tuple[str, str, bool, bool, bool]], most: Any, harm: str
) -> None:
    hits = [Hit(entry=entry, harm=harm, family=family, strong=DATA.families[family].strong,
                shared=shared, doubted=doubted, listed=listed)
            for entry, family, shared, doubted, listed in met]  # fmt: skip
    said = weigh(hits, most, DATA)
    assert set(type(said).__struct_fields__) == {"strength", "review", "friction", "harm"}
    assert not (said.review and said.friction)
    telling = {entry: {hit.family for hit in hits if hit.entry == entry and not hit.shared}
               for entry in {hit.entry for hit in hits}}  # fmt: skip
    able = {entry for entry, families in telling.items() if len(families) > 1
            and any(DATA.families[name].strong for name in families)}  # fmt: skip
    assert (said.strength != "none") == bool(able)
    assert (said.review or said.friction) == (bool(able) and most != "off")
    if said.friction:
        assert most == "friction"
        assert DATA.classes[harm].answer == "friction"
        assert any(not DATA.families[name].household for entry in able for name in telling[entry])


@pytest.mark.parametrize("name", ["returning", "returning.strength", "event.identifiers"])
def test_no_rule_can_read_it(tmp_path: Path, name: str) -> None:
    """So that no pack can refuse somebody for it, whoever writes one."""
    errors = errors_of(tmp_path, rules_yaml=rule(f'{name} == "strong"'))
    assert any(name.partition(".")[0] in one.message for one in errors)


def test_what_many_meet_tells_nobody_apart_and_who_returns_cannot_wear_it_out(
    back: Return,
) -> None:
    back.hand_over(back.ended())
    for _ in range(DATA.families["contact"].crowd + 1):
        assert back.comes(SAME_MAIL, DEVICE)["returning"]["review"]
    assert back.count("returning_tokens", "shared") == 0
    for number in range(DATA.families["device"].crowd):
        assert "returning" not in back.comes(DEVICE, account=f"child-{number}")
    assert back.count("returning_tokens", "shared AND kind = 'device'") == 1
    assert back.count("returning_crowd") == 0
    assert "returning" not in back.comes(SAME_MAIL, DEVICE)
    assert back.comes(SAME_MAIL, FACE)["returning"]["review"]


def test_an_underage_persons_is_kept_for_less_and_some_grounds_for_nothing(back: Return) -> None:
    made = back.hand_over(back.ended(band="13-15"))
    assert made.expires_at <= utcnow() + timedelta(days=DATA.limits.minor_days)
    unlisted = back.ended("suicide")
    assert back.count("returning_entries") == 1
    with pytest.raises(Problem) as unasked:
        back.hand_over(unlisted)
    assert unasked.value.code == "returning.unasked"
    # Who is too young, or in need, is never remembered as somebody to look out for.
    assert not DATA.classes.keys() & {"underage_account", "suicide", "self_harm", "other",
                                      "eating_disorder", "minor_privacy"}  # fmt: skip


# What is kept ---------------------------------------------------------------------------------


def test_identifiers_are_kept_nowhere(
    back: Return, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """All of the database, the log and the home are searched for each spelling of each of them."""
    with serving(back.haven) as place:
        made = back.ended(account="old")
        put(place, back, f"/v1/decisions/{made}/identifiers", *ALL)
        new = ("email", "Another.Body@example.edu"), ("phone", "+44 113 496 0000"), DEVICE, NET
        for wait in ("", "?wait=verdict"):
            send(place, back, wait, *new, SAME_MAIL)
            send(place, back, wait, ("email", "x" * 400))
        back.here.work()
    told = [value for _, value in (*ALL, *new, SAME_MAIL)]
    plain = {(normal(one, DATA) or b"?").decode() for one in ids(*ALL, *new, SAME_MAIL)}
    needles = {text for one in {*told, *plain} for text in (one.lower(), one.encode().hex())}
    # Long enough that no random number holds one of them.
    needles |= {"some.one", "another.body", "79460958", "7946 0958", "496 0000", "198.51.100"}
    tables = [
        row["t"]
        for row in back.here.rows("""SELECT relname AS t FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1""")
    ]
    assert "returning_tokens" in tables
    for table in tables:
        for row in back.here.rows(f'SELECT t::text AS row FROM "{table}" t'):
            found = [one for one in needles if one in row["row"].lower()]
            assert not found, (table, found)
    # What is sealed holds none of it either: the events say nothing of identifiers.
    with back.haven.db.begin(OPERATOR) as tx:
        for row in tx.rows("SELECT seq FROM events"):
            _, event = intake.open_event(tx, row["seq"])
            assert event is not None
            assert event.identifiers == ()
    log = "".join(capfd.readouterr()).lower()
    kept = [one.read_bytes().lower() for one in tmp_path.rglob("*") if one.is_file()]
    for one in needles:
        assert one not in log
        assert not any(one.encode() in data for data in kept)


def put(place: Place, back: Return, path: str, *pairs: tuple[str, str]) -> Any:
    body = {"identifiers": [{"kind": kind, "value": value} for kind, value in pairs]}
    headers = {"authorization": f"Bearer {back.here.key}", "content-type": "application/json"}
    return place.ask("PUT", path, json.dumps(body).encode(), headers)


def send(place: Place, back: Return, query: str, *pairs: tuple[str, str]) -> Any:
    body = {"id": new_id("e"), "kind": "account.create", "at": "2026-11-21T20:00:00Z",
            "account": {"id": new_id("new")},
            "identifiers": [{"kind": kind, "value": value} for kind, value in pairs]}  # fmt: skip
    headers = {"authorization": f"Bearer {back.here.key}"}
    return place.post_json(f"/v1/events{query}", body, **headers)


def test_over_http_what_is_wanted_handed_over_and_holds(back: Return) -> None:
    made = back.ended()
    key = {"authorization": f"Bearer {back.here.key}"}
    with serving(back.haven) as place:
        wanted = place.ask("GET", "/v1/returning", headers=key).json
        assert [one["decision"] for one in wanted] == [made]
        told = put(place, back, f"/v1/decisions/{made}/identifiers", MAIL, FACE,
                   ("phone", "020 7946 0958"), ("payment", "4111 1111 1111 1111"),
                   ("network", "192.168.1.7"), ("email", "info@somewhere.example.edu"))  # fmt: skip
        assert (told.status, told.json["tokens"], told.json["unread"]) == (200, 2, [2, 3, 4, 5])
        again = put(place, back, f"/v1/decisions/{made}/identifiers", MAIL, NET)
        assert (again.status, again.json["code"]) == (409, "returning.held")
        assert place.ask("GET", "/v1/returning", headers=key).json == []
        for path in ("dec_unknown", back.ended("suicide")):
            refused = put(place, back, f"/v1/decisions/{path}/identifiers", MAIL)
            assert refused.status in (404, 409)
        # Not judged at once: what was met is followed up by the worker.
        assert send(place, back, "", MAIL, FACE).status == 202
        back.here.work()
        [met] = back.here.rows("SELECT account, strength, task FROM returning_sightings")
        assert met["strength"] == "strong"
        assert met["task"] is not None
        stands = place.ask("GET", f"/v1/returning/{met['account']}", headers=key).json
        assert (stands["strength"], stands["friction"]) == ("strong", False)
        nobody = place.ask("GET", "/v1/returning/nobody", headers=key).json
        assert (nobody["strength"], nobody["contest_url"]) == ("none", None)


# The end --------------------------------------------------------------------------------------

STEPS = st.sampled_from(["hand over", "come", "contest", "overturn", "strike", "end", "erase",
                         "expire", "late"])  # fmt: skip


@pytest.fixture(scope="module")
def many(module_haven: Haven) -> Return:
    here = scene(module_haven)
    return Return(here, here.reviewer("ana"), here.reviewer("ben"))


class CrashError(Exception):
    """The process dies before the commit."""


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=6))
def test_in_any_order_and_with_crashes_no_token_outlives_its_decision(
    many: Return, steps: list[tuple[str, bool]]
) -> None:
    # Who judges has looked at nothing yet: after many looks a person takes a pause.
    one, two = (many.here.reviewer(new_id("person")) for _ in range(2))
    made = Return(many.here, one, two).ended(account=new_id("old"))
    for step, crashes in steps:
        with suppress(CrashError, Problem):
            _step(many, made, step, crashes=crashes)
        [row] = many.here.rows(
            """SELECT d.state, d.account, s.state AS strike, e.state AS entry, e.survives,
                 (SELECT count(*) FROM returning_tokens t WHERE t.entry = e.id) AS tokens
               FROM decisions d LEFT JOIN strikes s ON s.decision = d.id
               LEFT JOIN returning_entries e ON e.decision = d.id WHERE d.id = %(d)s""",
            d=made,
        )  # fmt: skip
        holds = row["state"] == "in_force" and row["strike"] != "lifted"
        erased = row["account"] is None
        assert row["entry"] is None or holds
        assert row["entry"] != "intended" or (not erased and row["tokens"] == 0)
        assert row["entry"] != "held" or (row["tokens"] > 0 and row["survives"] >= erased)
    [orphans] = many.here.rows("""SELECT count(*) AS n FROM returning_tokens t WHERE NOT EXISTS
                                    (SELECT 1 FROM returning_entries e WHERE e.id = t.entry)""")
    assert orphans["n"] == 0


def _step(many: Return, made: str, step: str, *, crashes: bool) -> None:
    at = utcnow() + timedelta(days=4_000 if step == "expire" else 15 if step == "late" else 0)
    with many.haven.db.begin(many.here.actor if step == "hand over" else OPERATOR, at) as tx:
        match step:
            case "hand over":
                returning.hand_over(tx, many.here.platform, made, ids(*ALL))
            case "come":
                event = intake.Event(id=new_id("e"), kind="account.create", at=NOW,
                                     account=intake.Account(id=new_id("new")),
                                     identifiers=tuple(ids(*ALL)))  # fmt: skip
                returning.note(tx, many.here.platform, [event], "review")
            case "contest":
                decisions.appeal(tx, decisions.decision(tx, made), "It was not me.")
            case "overturn":
                undo(tx, decisions.decision(tx, made), "jdg_by_a_test")
            case "strike":
                tx.run("UPDATE strikes SET state = 'lifted' WHERE decision = %(d)s", d=made)
            case "end":
                # As `cancel_expired` does; what was overturned has ended already.
                tx.run("""UPDATE decisions SET state = 'expired'
                          WHERE id = %(d)s AND state = 'in_force'""", d=made)  # fmt: skip
            case "erase":
                account = decisions.decision(tx, made).account
                records.erase(tx, many.here.platform, account or "")
            case _:
                expiry.expire(tx)
        if crashes:
            raise CrashError


def test_an_appeal_that_is_upheld_takes_the_tokens_along(back: Return) -> None:
    """The whole way: appealed, judged by somebody else, and gone in the same transaction."""
    made = back.ended()
    back.hand_over(made)
    met = back.comes(SAME_MAIL, DEVICE, account="new")["returning"]
    with back.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "It was not me.")
    [row] = back.here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    cleo = back.here.reviewer("cleo", "appeals")
    back.here.judge(cleo, str(row["id"]), "upheld", clause="reports", facts="It was not.")
    back.here.work()
    [end] = back.here.rows("""SELECT n.reason, n.tokens, n.xmin::text = d.xmin::text AS together
        FROM returning_ends n, decisions d WHERE d.id = %(d)s""", d=made)  # fmt: skip
    assert list(end.values()) == ["overturned", 6, True]
    assert back.count("returning_tokens") == back.count("returning_entries") == 0
    assert "returning" not in back.comes(*ALL)
    returning.keep_returning(back.haven.db)
    back.here.work()
    told = back.here.rows("""SELECT ids FROM ledger_entries WHERE kind = 'returning.ended'""")
    assert [(one["ids"]["reason"], one["ids"]["tokens"]) for one in told] == [("overturned", "6")]
    with back.haven.db.read() as tx:
        assert ledger.verify(tx, None, back.haven.signer.vkey).ok
    with serving(back.haven) as place:
        page = place.ask("GET", met["contest_url"].removeprefix(back.haven.settings.url))
        assert b"Nothing follows from it any more" in page.body


def test_who_hands_over_while_the_decision_is_overturned_leaves_nothing(back: Return) -> None:
    made, said = back.ended(), list[object]()

    def hand_over() -> None:
        try:
            said.append(back.hand_over(made))
        except Problem as problem:
            said.append(problem.code)

    with back.haven.db.begin(OPERATOR) as tx:
        undo(tx, decisions.decision(tx, made), "jdg_by_a_test")
        other = threading.Thread(target=hand_over)
        other.start()
        waits = """SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                   AND datname = current_database()"""
        end = time.monotonic() + 300
        while not back.here.rows(waits)[0]["n"] and time.monotonic() < end:
            time.sleep(0.02)
    other.join(300)
    assert said == ["returning.unasked"]
    assert back.count("returning_tokens") == 0


def test_the_database_keeps_nothing_for_what_does_not_hold(back: Return) -> None:
    made = back.ended()
    overturned(back, made)
    sql = """INSERT INTO returning_entries (id, decision, platform, class, state, created_at,
               wanted_until, expires_at, survives)
             VALUES ('rtn_x', %(d)s, %(p)s, 'grooming', 'intended', now(), now(),
               now() + interval '1 day', false)"""
    with pytest.raises(psycopg.errors.CheckViolation), back.haven.db.begin(OPERATOR) as tx:
        tx.run(sql, d=made, p=back.here.platform)


def test_what_is_over_goes_with_its_key_and_the_ledger_says_how_much(back: Return) -> None:
    made = back.ended()
    kept = back.hand_over(made)
    before = keys_of(back)
    returning.keep_returning(back.haven.db, utcnow() + timedelta(days=31))
    # The network goes after a month, the rest stays.
    assert back.count("returning_tokens") == 5
    assert "returning" not in back.comes(SAME_MAIL, NET)
    late = kept.expires_at + timedelta(days=120)
    for _ in range(3):
        returning.keep_returning(back.haven.db, late)
    assert [back.count(f"returning_{one}") for one in ("tokens", "entries", "epochs")] == [0, 0, 0]
    [gone] = back.here.rows("""SELECT wrapped, destroyed_at FROM subject_keys
                               WHERE subject = %(s)s""", s=before)  # fmt: skip
    assert bytes(gone["wrapped"]) == b""
    kinds = back.here.rows("""SELECT kind, ids FROM ledger_entries WHERE kind LIKE 'returning.%%'
                              ORDER BY id""")  # fmt: skip
    said = [row["kind"].removeprefix("returning.") for row in kinds]
    assert {"expired", "ended", "key_destroyed"} <= set(said)
    numbers = [int(row["ids"]["tokens"]) for row in kinds if row["kind"] == "returning.expired"]
    assert sum(numbers) == 6


def keys_of(back: Return) -> str:
    return store.kept_for(back.here.platform, epoch_of(utcnow().date()))


def test_what_nobody_hands_over_in_time_is_not_waited_for(back: Return) -> None:
    made = back.ended()
    after = utcnow() + timedelta(days=15)
    with pytest.raises(Problem) as late, back.haven.db.begin(back.here.actor, after) as tx:
        returning.hand_over(tx, back.here.platform, made, ids(*ALL))
    assert late.value.code == "returning.late"
    returning.keep_returning(back.haven.db, utcnow() + timedelta(days=15))
    [row] = back.here.rows("SELECT reason, tokens FROM returning_ends")
    assert (row["reason"], row["tokens"]) == ("unanswered", 0)


def test_who_is_forgotten_is_forgotten_here_where_nothing_outweighs_it(back: Return) -> None:
    grave, light = back.ended(account="grave"), back.ended(account="light")
    for one in (grave, light):
        back.hand_over(one)
    with back.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE returning_entries SET class = 'harassment', survives = false
                  WHERE decision = %(d)s""", d=light)  # fmt: skip
    back.comes(*ALL, account="new")
    with back.haven.db.begin(OPERATOR) as tx:
        for account in ("grave", "light", "new"):
            records.erase(tx, back.here.platform, account)
    assert back.here.rows("SELECT decision FROM returning_entries") == [{"decision": grave}]
    assert back.count("returning_sightings") == 0
    # What is kept on ends as it would have, and leads back to nobody.
    assert back.here.rows("SELECT account, subject IS NULL AS s FROM decisions WHERE account <> ''"
                          ) == []  # fmt: skip


# Contesting -----------------------------------------------------------------------------------


def test_a_newcomer_says_it_is_somebody_else_and_another_person_answers(back: Return) -> None:
    back.hand_over(back.ended())
    verdict = back.comes(SAME_MAIL, DEVICE, account="new")
    path = verdict["returning"]["contest_url"].removeprefix(back.haven.settings.url)
    back.here.judge(back.ana, verdict["task"], "warn", clause="reports")
    back.here.work()
    with serving(back.haven) as place:
        form = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
        page = place.ask("GET", path, headers={"accept": "text/html"}).body
        assert b"You have not been refused" in page
        # Neither what was the same, nor which account, nor what it did.
        assert not any(one in page for one in (b"grooming", b"Child", b"mail address is"))
        assert place.ask("POST", path, b"text=", form).status == 400
        assert place.ask("POST", path, b"text=We+share+a+tablet.", form).status == 303
        assert place.ask("POST", path, b"text=Again", form).status == 409
        flip = {"A": "B"}.get(path[-3], "A")
        assert place.ask("GET", path[:-3] + flip + path[-2:]).status == 404
        [row] = back.here.rows("SELECT id FROM returning_contests")
        with pytest.raises(Problem) as barred:
            answer(back, back.ana, row["id"])
        assert barred.value.code == "returning.barred"
        answer(back, back.ben, row["id"])
        assert b"You are somebody else" in place.ask("GET", path).body
        told = place.ask("GET", "/v1/returning/new",
                         headers={"authorization": f"Bearer {back.here.key}"}).json  # fmt: skip
        assert (told["cleared"], told["friction"]) == (True, False)
    # The same is not asked of them again; it still is of others.
    again = back.comes(SAME_MAIL, DEVICE, account="new", kind="account.update")
    assert "returning" not in again
    assert back.comes(SAME_MAIL, DEVICE)["returning"]["review"]


def test_that_a_child_was_hurt_is_for_specialists(back: Return) -> None:
    back.hand_over(back.ended())
    with back.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE returning_entries SET class = 'csam.known'")
    task = back.comes(SAME_MAIL, DEVICE)["task"]
    with serving(back.haven) as place:
        seen = {}
        for role in ("moderator", "specialist"):
            with back.haven.db.begin(OPERATOR) as tx:
                link = staff.sign_in_link(tx, staff.create(tx, role, (role,)))
            who = Visitor(place).enter(link)
            seen[role] = who.text(f"/console/returning/tasks/{task}")
            assert "May have come back" in who.text(f"/console/tasks/{task}")
    assert "Grave harm" in seen["moderator"]
    assert "child" not in seen["moderator"].lower()
    assert HARMS["csam.known"].words in seen["specialist"]
    # Both looks are recorded, and neither page has an identifier.
    assert back.count("reads", "kind = 'returning'") == 2
    assert not any(value in page for page in seen.values() for _, value in ALL)


def test_who_is_somebody_else_is_so_wherever_they_met_the_same(back: Return) -> None:
    back.hand_over(back.ended())
    first = back.comes(SAME_MAIL, DEVICE, account="new")
    back.comes(SAME_MAIL, FACE, account="new", kind="account.update")
    with back.haven.db.begin(OPERATOR) as tx:
        token = first["returning"]["contest_url"].rpartition("/")[2]
        made = contests.contest(tx, contests.sighting_of_token(tx, token), "We share a tablet.")
    # However late it was said, nothing is forgotten before it is answered.
    late = utcnow() + timedelta(days=DATA.limits.sighting_days + 1)
    with back.haven.db.begin(OPERATOR, late) as tx:
        expiry.expire(tx)
    answer(back, back.ben, made.id)
    assert back.count("returning_sightings", "cleared_at IS NULL") == 0
    with back.haven.db.begin(OPERATOR, late) as tx:
        expiry.expire(tx)
    assert back.count("returning_sightings") == back.count("returning_contests") == 0


def test_what_somebody_ends_at_this_moment_is_not_waited_for(back: Return) -> None:
    """Who overturns holds the entry and takes its tokens next: holding these would block both."""
    made = back.ended()
    kept = back.hand_over(made)
    late = kept.expires_at + timedelta(days=1)
    with back.haven.db.begin(OPERATOR) as held:
        held.run("SELECT 1 FROM returning_entries WHERE decision = %(d)s FOR UPDATE", d=made)
        with back.haven.db.begin(OPERATOR, late) as tx:
            tx.run("SET LOCAL lock_timeout = '20s'")
            expiry.expire(tx)
        assert back.count("returning_tokens") == kept.tokens
    with back.haven.db.begin(OPERATOR, late) as tx:
        expiry.expire(tx)
    assert back.count("returning_tokens") == back.count("returning_entries") == 0


def answer(back: Return, who: Actor, contest: str) -> None:
    with back.haven.db.begin(who) as tx:
        contests.decide(tx, contest, "It is another person.", somebody_else=True)


# Spelling, keys and clocks --------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "same", "other"), [
    ("email", ["Ann.Lee+shop@GMail.com", "annlee@googlemail.com", "ａnnlee@gmail.com"],
     ["annlee@example.edu", "ann@gmail.com"]),
    ("email", ["a.b@post.example.edu", "A.B@POST.example.edu."], ["ab@post.example.edu",
                                                                   "a.b+c@post.example.edu"]),
    ("email", ["o@bücher.example.edu", "o@xn--bcher-kva.example.edu"], ["o@bucher.example.edu"]),
    ("phone", ["+44 (20) 7946-0958", "0044 20 7946 0958", "+442079460958"], ["+442079460959"]),
    ("network", ["198.51.100.7", "198.51.100.0/24", "::ffff:198.51.100.9"], ["198.51.101.7"]),
    ("network", ["2001:db8:1:2::3", "2001:db8:1:ffff::"], ["2001:db8:2::3"]),
    ("device", ["7F3A-91C2-0BD4", "7f3a-91c2-0bd4"], ["7f3a-91c2-0bd5"]),
    ("picture", ["AB" * 32, "ab" * 32], ["ac" * 32]),
])  # fmt: skip
def test_one_spelling(kind: str, same: list[str], other: list[str]) -> None:
    spelled = {normal(one, DATA) for one in ids(*((kind, text) for text in same))}
    assert len(spelled) == 1
    assert None not in spelled
    others = {normal(one, DATA) for one in ids(*((kind, text) for text in other))}
    assert not spelled & others
    assert None not in others


@pytest.mark.parametrize(("kind", "text"), [
    ("email", "nobody"), ("email", "a@b"), ("email", "test@mail.example.com"), ("email", "@x.org"),
    ("email", "info@shop.example.edu"), ("email", "a b@x.example.edu"), ("phone", "12345"),
    ("phone", "020 7946 0958"), ("phone", "+0123456789"), ("network", "10.1.2.3"),
    ("network", "100.64.3.2"), ("network", "fe80::1"), ("network", "nowhere"),
    ("device", "unknown"),
    ("device", "00000000-0000-0000-0000-000000000000"), ("device", "short"),
    ("payment", "aaaaaaaaa"),
    ("payment", "4111-1111-1111-1111"), ("picture", "abc"),
])  # fmt: skip
def test_what_many_have_or_nobody_can_read_says_nothing(kind: str, text: str) -> None:
    assert [normal(one, DATA) for one in ids((kind, text))] == [None]


@given(st.sampled_from(sorted(DATA.kinds)), st.text(min_size=1, max_size=320))
def test_any_text_can_be_spelled_or_not_and_once_is_enough(kind: str, text: str) -> None:
    [one] = ids((kind, text))
    spelled = normal(one, DATA)
    if spelled is not None and len(spelled) <= 320 and kind != "network":
        assert normal(ids((kind, spelled.decode()))[0], DATA) == spelled


def test_each_purpose_epoch_and_family_has_a_key_of_its_own() -> None:
    secret = bytes(range(32))
    roots = [keys.Root(keys.OWN, "plt_a", "2026q4", secret),
             keys.Root(keys.OWN, "plt_b", "2026q4", secret),
             keys.Root(keys.OWN, "plt_a", "2027q1", secret),
             keys.Root("rag_x", keys.AGREED, "", secret)]  # fmt: skip
    families = sorted(DATA.families)
    assert len({root.key(family) for root in roots for family in families}) == 4 * len(families)
    found = keys.tokens(ids(*ALL, MAIL), roots, DATA)
    assert len(found) == len({one.token for one in found}) == 4 * len(ALL)
    # Worked out apart: RFC 5869 and RFC 2104, with nothing of ours but the names.
    info = b"openhaven returning 1|plt_a|2026q4|contact"
    fresh = hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\x01", "sha256")
    spelled = b"email\0someone@gmail.com"
    assert hmac.new(fresh, spelled, hashlib.sha256).digest() in {one.token for one in found}


@given(st.dates())
def test_each_day_is_of_one_epoch_which_ends_after_it(day: Any) -> None:
    if day.year < 9999:
        epoch = epoch_of(day)
        assert day < ends(epoch) <= day + timedelta(days=92)
        assert epoch_of(ends(epoch)) > epoch


def test_every_class_has_a_harm_and_an_end() -> None:
    assert DATA.classes.keys() <= HARMS.keys()
    assert DATA.longest <= timedelta(days=1_826)
    # Only where a child was hurt does the reason to keep it outweigh an erasure.
    for name, one in DATA.classes.items():
        assert one.survives <= (HARMS[name].severity == 4 and one.answer == "review")
