"""What is forgotten: a person who asks, everything else in its time; proofs and counts stay."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from api_scene import REMOVE, REVIEW, VERDICT, Town, body, name, saying
from line_scene import OPERATOR
from pictures import encoded, picture

from openhaven import ledger, records, review, staff
from openhaven.core import Problem, utcnow
from openhaven.ledger import verify
from openhaven.line import jobs
from openhaven.transparency.store import _APPEALS

WORDS = "unmistakable-words"


def check_ledger(town: Town) -> None:
    town.haven.sequencer.tick()
    outside = ledger.read_outside(town.haven.settings.home / ledger.FILE_NAME)
    with town.haven.db.read() as tx:
        report = verify(tx, outside, town.haven.signer.vkey)
    assert report.ok, str(report)


def erase(town: Town, account: str) -> None:
    with town.haven.db.begin(OPERATOR) as tx:
        blobs = records.erase(tx, town.here.platform, account)
    for blob in blobs:
        town.haven.blobs.delete(blob)


def dump(town: Town) -> str:
    """Return the whole database as text; sealed bytes stay as they are."""
    tables = town.rows("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")
    lines = [
        f"{table['t']}: {row['line']}"
        for table in tables
        for row in town.rows(f"SELECT t::text AS line FROM {table['t']} t")
    ]
    return "\n".join(lines)


def everything_about(town: Town, account: str) -> dict[str, Any]:
    """Let one person do a bit of everything; return what can be asked about it."""
    media = town.media(encoded(picture(), "PNG")).json["id"]
    address = {"email": f"{account}@example.org"}
    town.judged(body(kind="account.create", account={"id": account}, context=address))
    removed = saying(f"{REMOVE} {WORDS}", account={"id": account})
    removed["item"] |= {"id": f"{account}-item", "media": [{"id": media}]}
    decision = town.judged(removed)["decision"]
    reviewed = saying(f"{REVIEW} {WORDS}", account={"id": account})
    judged = town.judge(town.judged(reviewed)["task"], "warn", facts=f"{account} wrote {WORDS}.")
    open_task = town.judged(saying(f"{REVIEW} {WORDS}", account={"id": account}))["task"]
    about = {"item": f"{account}-item", "account": account}
    town.ask("POST", "/v1/reports", {"subject": about, "category": "spam", "text": WORDS})
    other = body()
    town.judged(other)
    own = {
        "subject": {"item": other["item"]["id"]},
        "category": "spam",
        "text": WORDS,
        "reporter": account,
        "contact": f"{account}@example.org",
    }
    receipt = town.ask("POST", "/v1/reports", own).json["receipt"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    path = f"/appeal/{town.token(decision)}"
    assert town.place.ask("POST", path, f"text={WORDS}".encode(), form).status == 303
    town.work()
    return {
        "media": media,
        "decision": decision,
        "judged": judged["id"],
        "task": open_task,
        "receipt": receipt,
        "event": removed["id"],
        "appeal": path,
    }


def test_an_erased_person_is_gone_and_every_proof_stays(small_town: Town) -> None:
    town, account = small_town, name("person")
    made = everything_about(town, account)
    blob = town.haven.blobs.get(made["media"])
    assert blob is not None
    check_ledger(town)
    places = town.number("SELECT count(*) FROM ledger_entries")
    erase(town, account)
    check_ledger(town)
    assert town.number("SELECT count(*) FROM ledger_entries") > places
    left = [line for line in dump(town).splitlines() if account in line or WORDS in line]
    assert left == []

    assert town.haven.blobs.get(made["media"]) is None
    with town.haven.db.read() as tx:
        assert tx.keys.open(f"media:{made['media']}", blob) is None
    for decision in (made["decision"], made["judged"]):
        told = town.ask("GET", f"/v1/decisions/{decision}/statement").json
        assert "Erased" in told["facts"]
        assert told["notice"] is None
        record = town.ask("GET", f"/v1/decisions/{decision}").json
        assert (record["account"], record["item"]) == (None, None)
    appealed = town.place.ask("GET", made["appeal"])
    assert appealed.status == 200
    assert "Your appeal has ended" in appealed.body.decode()
    # However an appeal ended, the public figures count it.
    sql = "SELECT pg_get_constraintdef(oid) AS d FROM pg_constraint WHERE conname = %(n)s"
    states = town.rows(sql, n="appeals_state_check")[0]["d"]
    assert set(re.findall("'([a-z]+)'", states)) == set(_APPEALS)
    verdict = town.ask("GET", f"/v1/events/{made['event']}").json
    assert set(verdict) == VERDICT
    assert town.ask("GET", f"/v1/reports/{made['receipt']}").status == 200
    cookie = town.cookie("ben")
    for page in (
        "/console",
        f"/console/tasks/{made['task']}",
        f"/console/decisions/{made['decision']}",
        "/console/decisions",
        "/console/deliveries",
        "/transparency",
    ):
        shown = town.place.ask("GET", page, headers=cookie)
        assert shown.status == 200, page
        assert WORDS not in shown.body.decode()
        assert account not in shown.body.decode()
    with (
        pytest.raises(Problem, match="done already"),
        town.haven.db.begin(town.person("ben")) as tx,
    ):
        review.claim(tx, made["task"])
    town.work()
    check_ledger(town)


def test_what_waits_when_somebody_is_erased_passes_in_the_fixed_shape(small_town: Town) -> None:
    town, account = small_town, name("person")
    sent = saying(REMOVE, account={"id": account})
    town.send(sent)
    erase(town, account)
    town.work()
    verdict = town.ask("GET", f"/v1/events/{sent['id']}").json
    assert set(verdict) >= VERDICT
    assert (verdict["outcome"], verdict["erased"]) == ("allow", True)
    assert town.send(sent).status == 202
    jobs.tally_passed(town.haven)
    check_ledger(town)


def test_who_comes_back_is_a_new_person(small_town: Town) -> None:
    town, account = small_town, name("person")
    town.judged(saying(REMOVE, account={"id": account}))
    [first] = town.rows("SELECT subject FROM accounts WHERE id = %(a)s", a=account)
    erase(town, account)
    with pytest.raises(Problem, match="no such account"):
        erase(town, account)
    verdict = town.judged(saying(REMOVE, account={"id": account}))
    [second] = town.rows("SELECT subject FROM accounts WHERE id = %(a)s", a=account)
    assert first != second
    assert town.ask("GET", f"/v1/decisions/{verdict['decision']}/statement").json["notice"]["text"]
    check_ledger(town)


def test_somebody_who_only_reported_can_be_erased(small_town: Town) -> None:
    town, account = small_town, name("reporter")
    sent = body()
    town.judged(sent)
    own = {
        "subject": {"item": sent["item"]["id"]},
        "category": "spam",
        "text": WORDS,
        "reporter": account,
    }
    town.ask("POST", "/v1/reports", own)
    town.work()
    erase(town, account)
    assert account not in dump(town)
    [row] = town.rows("SELECT body, state FROM reports")
    assert row == {"body": None, "state": "in_review"}, "somebody still looks at what was reported"
    check_ledger(town)


def test_the_platform_s_reversal_is_not_sent_for_somebody_erased(small_town: Town) -> None:
    town, account = small_town, name("person")
    made = everything_about(town, account)
    erase(town, account)
    before = len(town.receiver.acts)
    town.work()
    assert [act for act in town.receiver.acts[before:] if account in json.dumps(act)] == []
    assert (
        town.rows(
            "SELECT id FROM acts WHERE decision = %(d)s AND state = 'intended'", d=made["decision"]
        )
        == []
    )


# Retention -------------------------------------------------------------------------------------


def after(days: float) -> datetime:
    return utcnow() + timedelta(days=days)


def retain(town: Town, days: float) -> None:
    records.retain(town.haven.db, town.haven.blobs, town.haven.settings.retention, after(days))


def held(town: Town, table: str, column: str = "body") -> int:
    return town.number(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")


def test_everything_is_forgotten_in_its_time(small_town: Town) -> None:
    town = small_town
    quiet = [body() for _ in range(7)]
    town.send(quiet)
    unused, used, taken = (town.media(encoded(picture(seed=n), "PNG")).json["id"] for n in range(3))
    town.judged(body(item={"id": name("i"), "media": [{"id": used}]}))
    removed = saying("tea")
    removed["item"]["media"] = [{"id": taken}]
    town.judged(removed)
    edit = saying(f"{REMOVE} {WORDS}", kind="post.edit", account=removed["account"])
    edit["item"] |= {"id": removed["item"]["id"]}
    decision = town.judged(edit)["decision"]
    with town.haven.db.begin(OPERATOR) as tx:
        staff.sign_in_link(tx, staff.named(tx, town.person("ana").id))
    town.cookie("ana")
    town.work()
    jobs.tally_passed(town.haven)
    stored = town.number("SELECT count(*) FROM events")

    retain(town, 2)
    assert town.haven.blobs.get(unused) is None
    assert held(town, "events") == stored
    retain(town, 9)
    assert (held(town, "sessions", "digest"), held(town, "sign_in_links", "digest")) == (0, 0)
    retain(town, 31)
    # Both versions of what was removed are kept, with the picture of the first.
    left = town.rows("SELECT id FROM events WHERE body IS NOT NULL ORDER BY seq")
    assert left == [{"id": removed["id"]}, {"id": edit["id"]}]
    assert town.haven.blobs.get(used) is None
    assert town.haven.blobs.get(taken) is not None
    retain(town, 91)
    counted = town.rows("SELECT measure, key, sum(n) AS n FROM daily_counts GROUP BY 1, 2")
    assert counted == [{"measure": "events", "key": "allow", "n": len(quiet) + 1}]
    assert town.number("SELECT count(*) FROM events") == stored - len(quiet) - 1
    check_ledger(town)
    assert town.ask("GET", f"/v1/events/{quiet[0]['id']}").status == 404
    assert town.ask("GET", f"/v1/decisions/{decision}/statement").json["notice"] is not None

    retain(town, 183)
    assert held(town, "events") == 2
    retain(town, 183 + 31)
    assert held(town, "events") == 0
    assert town.haven.blobs.get(taken) is None
    retain(town, 366)
    assert held(town, "notices") == 0
    assert town.ask("GET", f"/v1/decisions/{decision}/statement").json["notice"] is None
    assert town.number("SELECT count(*) FROM decisions") == 1
    check_ledger(town)


def test_what_somebody_contests_is_kept_until_it_is_decided(small_town: Town) -> None:
    town = small_town
    sent = saying(f"{REMOVE} {WORDS}")
    decision = town.judged(sent)["decision"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    town.place.ask("POST", f"/appeal/{town.token(decision)}", b"text=Please.", form)
    retain(town, 300)
    assert held(town, "events") == 1
    task = town.rows("SELECT id FROM tasks WHERE kind = 'appeal'")[0]["id"]
    town.here.judge(town.person("ben"), task, "rejected")
    town.work()
    retain(town, 300)
    assert held(town, "events") == 0
    check_ledger(town)


def test_what_a_task_waits_for_is_kept(small_town: Town) -> None:
    town = small_town
    sent = saying(REVIEW)
    task = town.judged(sent)["task"]
    retain(town, 100)
    assert held(town, "events") == 1
    town.judge(task, "suspend", days=30)
    retain(town, 100)
    assert held(town, "events") == 1, "who is locked out can contest it: their words are kept"
    retain(town, 230)
    assert held(town, "events") == 0


def test_what_could_not_be_judged_is_forgotten_as_well(small_town: Town) -> None:
    town = small_town
    sent = saying(WORDS)
    town.send(sent)
    with town.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE events SET state = 'stuck' WHERE id = %(e)s", e=sent["id"])
    retain(town, 29)
    assert held(town, "events") == 1
    retain(town, 31)
    assert held(town, "events") == 0
