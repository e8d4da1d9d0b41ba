"""What happens when everybody comes at once: one thing is stored, nobody sees an error of ours."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_scene import REMOVE, REVIEW, Town, body, name, problem, saying, together
from line_scene import OPERATOR

from openhaven import intake, ledger, records, review
from openhaven.core import Problem
from openhaven.ledger import Sequencer, verify
from openhaven.line import jobs

FORM = {"content-type": "application/x-www-form-urlencoded"}


def statuses(replies: list[Any]) -> Counter[int]:
    return Counter(reply.status for reply in replies)


@pytest.mark.parametrize("query", ["", "?wait=verdict"])
def test_twenty_equal_events_are_one(town: Town, query: str) -> None:
    sent = saying(REMOVE)
    replies = together(*[lambda: town.send(sent, query)] * 20)
    assert statuses(replies) == {200 if query else 202: 20}
    assert all(reply.json == replies[0].json for reply in replies)
    town.work()
    assert town.number("SELECT count(*) FROM events WHERE id = %(e)s", e=sent["id"]) == 1
    assert (
        town.number("SELECT count(*) FROM decisions WHERE item = %(i)s", i=sent["item"]["id"]) == 1
    )


@pytest.mark.parametrize("query", ["", "?wait=verdict"])
def test_of_twenty_different_bodies_one_wins(town: Town, query: str) -> None:
    event_id, account = name("e"), name("a")
    sent = [saying(f"{REMOVE} {n}", id=event_id, account={"id": account}) for n in range(20)]
    replies = together(*[lambda one=one: town.send(one, query) for one in sent])
    assert statuses(replies) == {200 if query else 202: 1, 409: 19}
    town.work()
    assert town.number("SELECT count(*) FROM decisions WHERE account = %(a)s", a=account) == 1


def test_who_loses_the_race_changes_nothing(town: Town) -> None:
    """Neither the address of the account nor the pictures of the other body are taken over."""
    event_id, account = name("e"), name("a")
    pictures = [town.media(b"GIF89a" + bytes([n])).json["id"] for n in range(6)]
    sent = [
        body(
            id=event_id,
            account={"id": account},
            kind="account.update",
            item={"id": f"i{n}", "media": [{"id": picture}]},
            context={"email": f"p{n}@example.org"},
        )
        for n, picture in enumerate(pictures)
    ]
    replies = together(*[lambda one=one: town.send(one) for one in sent])
    won = next(n for n, reply in enumerate(replies) if reply.status == 202)
    tied = town.rows("SELECT id FROM media WHERE id = ANY(%(p)s) AND event IS NOT NULL", p=pictures)
    assert tied == [{"id": pictures[won]}]
    with town.haven.db.read() as tx:
        sql = "SELECT subject, contact FROM accounts WHERE id = %(a)s"
        row = tx.rows(sql, a=account)[0]
        assert tx.keys.open(row["subject"], row["contact"]) == f"p{won}@example.org".encode()


def test_batches_of_the_same_accounts_in_any_order_never_hold_each_other(town: Town) -> None:
    chance = random.Random(7)
    accounts = [name("a") for _ in range(30)]
    pictures = [town.media(b"GIF89a" + bytes([n, 1])).json["id"] for n in range(10)]
    events = [
        body(
            account={"id": account, "age_band": chance.choice(["13-15", "16-17", "unknown"])},
            kind=chance.choice(["account.update", "post.create"]),
            context={"email": f"{n}@example.org"},
            item={"id": f"i{n}", "media": [{"id": chance.choice(pictures)}]},
        )
        for n, account in enumerate(accounts * 3)
    ]
    for _ in range(3):
        for event in events:
            event["id"] = name("e")
        batches = [chance.sample(events, len(events)) for _ in range(8)]
        replies = together(*[lambda one=one: town.send(one) for one in batches])
        assert statuses(replies) == {200: 8}
        assert {item["status"] for reply in replies for item in reply.json} == {202}


def test_parallel_reports_on_one_item_are_one_case_with_one_task(town: Town) -> None:
    sent = body()
    town.judged(sent)
    given = {
        "subject": {"item": sent["item"]["id"]},
        "category": "bullying",
        "text": "Please look.",
    }
    replies = together(*[lambda: town.ask("POST", "/v1/reports", given)] * 12)
    assert statuses(replies) == {201: 12}
    assert len({reply.json["receipt"] for reply in replies}) == 12
    together(*[lambda: jobs.judge_events(town.haven)] * 4)
    town.work()
    assert town.rows(
        """SELECT count(DISTINCT c.id) AS cases, count(DISTINCT t.id) AS tasks,
             max(t.reports) AS reports
           FROM cases c JOIN tasks t ON t.case_id = c.id WHERE c.item = %(i)s""",
        i=sent["item"]["id"],
    ) == [{"cases": 1, "tasks": 1, "reports": 12}]


def test_a_report_that_arrives_while_its_case_is_closed_is_not_lost(town: Town) -> None:
    for _ in range(6):
        sent = saying(REVIEW)
        task = town.judged(sent)["task"]
        given = {
            "subject": {"item": sent["item"]["id"]},
            "category": "bullying",
            "text": "Please look.",
        }
        reply = town.ask("POST", "/v1/reports", given)
        town.here.judge(town.person("ana"), task, "allow")
        together(lambda: jobs.settle_judgements(town.haven), lambda: jobs.judge_events(town.haven))
        town.work()
        state = town.ask("GET", f"/v1/reports/{reply.json['receipt']}").json["state"]
        left = town.rows(
            """SELECT c.state AS case_state, t.state FROM reports r JOIN cases c ON c.id = r.case_id
                            JOIN tasks t ON t.case_id = c.id JOIN events e ON e.seq = r.event
                            WHERE r.item = %(i)s AND t.state IN ('open', 'claimed')""",
            i=sent["item"]["id"],
        )
        assert state in ("decided", "in_review")
        if state == "in_review":
            assert left == [{"case_state": "open", "state": "open"}], (
                "an open task keeps its case open"
            )


def console(town: Town, who: str, path: str, **form: str) -> Any:
    cookie = town.cookie(who)
    page = town.place.ask("GET", "/console", headers=cookie).body.decode()
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    text = "&".join(f"{key}={value}" for key, value in ({"csrf": csrf} | form).items())
    return lambda: town.place.ask("POST", path, text.encode(), cookie | FORM)


def test_of_two_reviewers_one_gets_the_task(town: Town) -> None:
    for _ in range(5):
        task = town.judged(saying(REVIEW))["task"]
        path = f"/console/tasks/{task}/claim"
        replies = together(console(town, "ana", path), console(town, "ben", path))
        assert statuses(replies) == {303: 1, 409: 1}


def test_judging_twice_at_once_judges_once(town: Town) -> None:
    task = town.judged(saying(REVIEW))["task"]
    pack = town.haven.packs.current
    form = {
        "outcome": "remove",
        "clause": next(iter(pack.clauses)),
        "pack": pack.fingerprint,
        "facts": "Seen.",
    }
    assert console(town, "ana", f"/console/tasks/{task}/claim")().status == 303
    send = console(town, "ana", f"/console/tasks/{task}/judge", **form)
    assert statuses(together(*[send] * 5)) == {303: 1, 409: 4}
    together(*[lambda: jobs.settle_judgements(town.haven)] * 4)
    town.work()
    assert (
        town.number(
            """SELECT count(*) FROM decisions d JOIN judgements j ON j.id = d.judgement
                          WHERE j.task = %(t)s""",
            t=task,
        )
        == 1
    )


def test_appealing_twice_at_once_appeals_once(town: Town) -> None:
    made = town.decided("remove")
    path = f"/appeal/{town.token(made['id'])}"
    replies = together(
        *[lambda: town.place.ask("POST", path, b"text=Please+look+again.", FORM)] * 4
    )
    assert statuses(replies) == {303: 1, 409: 3}
    assert (
        town.number(
            "SELECT count(*) FROM tasks WHERE case_id = %(c)s AND kind = 'appeal'",
            c=made["case_id"],
        )
        == 1
    )


def test_two_ends_of_one_appeal_leave_one(town: Town) -> None:
    made = town.decided("remove")
    town.place.ask("POST", f"/appeal/{town.token(made['id'])}", b"text=Again.", FORM)
    [task] = town.rows(
        "SELECT id FROM tasks WHERE case_id = %(c)s AND kind = 'appeal'", c=made["case_id"]
    )

    def end(who: str, outcome: str) -> str:
        try:
            return town.here.judge(town.person(who), task["id"], outcome)
        except Problem as told:
            return told.code

    ended = together(lambda: end("ben", "upheld"), lambda: end("cy", "rejected"))
    assert len([one for one in ended if one.startswith("jdg_")]) == 1
    town.work()
    state = town.rows("SELECT state FROM appeals WHERE decision = %(d)s", d=made["id"])
    assert state[0]["state"] in ("upheld", "rejected")


def test_workers_at_once_judge_everything_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several workers and the API judge events about the same few items, in any order."""
    monkeypatch.setattr(jobs, "BATCH", 20)
    chance = random.Random(3)
    items = [name("i") for _ in range(8)]
    sent = []
    for _ in range(160):
        one = saying(chance.choice([REVIEW, REMOVE, "tea"]))
        one["item"]["id"] = chance.choice(items)
        sent.append(one)
    replies = together(*[lambda part=part: town.send(sent[part::4]) for part in range(4)])
    assert statuses(replies) == {200: 4}
    direct = [saying(REVIEW) for _ in range(24)]
    for one in direct:
        one["item"]["id"] = chance.choice(items)

    def work() -> int:
        done = 0
        while found := jobs.judge_events(town.haven):
            done += found
        return done

    def ask() -> list[Any]:
        return [town.send(one, "?wait=verdict") for one in direct]

    *_, answers = together(work, work, work, ask)
    assert statuses(answers).keys() <= {200, 202}
    town.work()
    ids = [one["id"] for one in sent + direct]
    assert town.rows("SELECT DISTINCT state FROM events WHERE id = ANY(%(ids)s)", ids=ids) == [
        {"state": "done"}
    ]
    assert (
        town.rows(
            "SELECT id, attempts FROM events WHERE id = ANY(%(ids)s) AND attempts > 0", ids=ids
        )
        == []
    )
    open_ = town.rows(
        """SELECT c.item, count(*) AS n FROM tasks t JOIN cases c ON c.id = t.case_id
                         WHERE c.item = ANY(%(i)s) AND t.state = 'open' AND c.state = 'open'
                         GROUP BY 1""",
        i=items,
    )
    assert {row["n"] for row in open_} == {1}
    twice = town.rows(
        """SELECT event FROM decisions WHERE item = ANY(%(i)s) AND event IS NOT NULL
                         GROUP BY event HAVING count(*) > 1""",
        i=items,
    )
    assert twice == []


def test_two_sequencers_give_every_entry_one_place(small_town: Town) -> None:
    town = small_town
    other = Sequencer(town.haven.db, town.haven.signer, town.haven.settings.home)

    def write() -> None:
        for _ in range(30):
            with town.haven.db.begin(OPERATOR) as tx:
                ledger.append(tx, "test.entry", {"n": name("n")})

    def tick(sequencer: Sequencer) -> None:
        for _ in range(30):
            sequencer.tick()

    together(write, write, lambda: tick(town.haven.sequencer), lambda: tick(other))
    town.haven.sequencer.tick()
    places = [row["idx"] for row in town.rows("SELECT idx FROM ledger_entries ORDER BY idx")]
    assert places == list(range(len(places)))
    outside = ledger.read_outside(town.haven.settings.home / ledger.FILE_NAME)
    with town.haven.db.read() as tx:
        assert verify(tx, outside, town.haven.signer.vkey).ok


def test_erasing_while_judging_leaves_no_name_behind(small_town: Town) -> None:
    town = small_town
    for number in range(5):
        account = name("erased")
        sent = [saying(chosen, account={"id": account}) for chosen in (REMOVE, REVIEW, "tea") * 4]
        town.send(sent)
        if number % 2:
            town.work()
            for row in town.rows("SELECT id FROM tasks WHERE state = 'open'")[:2]:
                town.here.judge(
                    town.person("ana"), row["id"], "remove", facts=f"Said by {account}."
                )

        def erase(account: str = account) -> None:
            with town.haven.db.begin(OPERATOR) as tx:
                records.erase(tx, town.here.platform, account)

        together(
            erase, lambda: jobs.judge_events(town.haven), lambda: jobs.settle_judgements(town.haven)
        )
        town.work()
        found = {
            table: town.rows(
                f"SELECT * FROM {table} AS t WHERE t::text LIKE %(a)s", a=f"%{account}%"
            )
            for table in (
                "events",
                "accounts",
                "cases",
                "decisions",
                "acts",
                "judgements",
                "reports",
            )
        }
        assert {table: rows for table, rows in found.items() if rows} == {}
    outside = ledger.read_outside(town.haven.settings.home / ledger.FILE_NAME)
    with town.haven.db.read() as tx:
        report = verify(tx, outside, town.haven.signer.vkey)
    assert report.ok, str(report)


def test_a_key_is_dead_a_second_after_it_is_revoked(town: Town) -> None:
    label = name("k")
    with town.haven.db.begin(OPERATOR) as tx:
        key = intake.create_key(tx, label, intake.platform_named(tx, "here"))
    assert town.send(body(), key=key).status == 202
    with town.haven.db.begin(OPERATOR) as tx:
        intake.revoke_key(tx, label)
    time.sleep(1.05)
    problem(town.send(body(), key=key), 401)


def test_claiming_is_fair_to_many(town: Town) -> None:
    """Ten reviewers press “next” at once: nobody gets an error, nobody shares a task."""
    town.send([saying(REVIEW) for _ in range(12)])
    town.work()
    people = [town.person(f"many{n}") for n in range(10)]

    def take(who: Any) -> str | None:
        with town.haven.db.begin(who) as tx:
            found = review.store.next_task(tx, who.id, ["review"])
            if found is None:
                return None
            try:
                review.claim(tx, found)
            except Problem:
                return None
            return found

    with ThreadPoolExecutor(10) as pool:
        taken = [task for task in pool.map(take, people) if task]
    assert len(taken) == len(set(taken))
    assert taken
