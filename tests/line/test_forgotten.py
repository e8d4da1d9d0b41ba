"""What today's rules, banks and counters note of a person is forgotten on request, and in time."""

from datetime import timedelta
from typing import Any

import pytest
from line_scene import OPERATOR, Scene, event, post
from pictures import encoded, picture
from policy_scene import MANIFEST as SMALL
from policy_scene import rule
from rules_scene import REMOVE, appeal, put_in_force, say

from openhaven import decisions, intake, records
from openhaven.core import Problem, utcnow
from openhaven.intake import MediaFacts
from openhaven.signals.banks import NewEntry, add_entries, create_bank

WATCH = {"outcome": "allow", "harm": "spam", "label": {"name": "watched", "days": 2}}
MANIFEST = SMALL.replace('"spared"', '"spared", "sites"')
LINK = "https://bad.example/trick"
# The tables whose rows speak of an event by its number.
NOTED = ("event_features", "bank_matches", "shadow_matches", "labels")


def noting(here: Scene) -> None:
    """Put in force what notes something of everybody who writes of a certain thing."""
    put_in_force(
        here,
        rule("terms.bad", id="note", then=WATCH),
        rule("terms.bad", id="looks-on", then=REMOVE, mode="shadow"),
        rule("'sites' in banks.positive", id="known", then={"outcome": "review", "harm": "spam"}),
        rule("terms.worse", id="acts", then=REMOVE),
        manifest=MANIFEST,
    )
    with here.haven.db.begin(OPERATOR) as tx:
        create_bank(tx, "sites", kind="link", harm="spam", owner="us", purpose="a test")
        add_entries(tx, "sites", [NewEntry(b"bad.example/trick", None, "test")])
    with here.haven.db.read() as tx:
        here.haven.banks.refresh(tx)


def send(here: Scene, account: str) -> None:
    body = post("a zorgblat", account={"id": account})
    body["item"]["links"] = [LINK]
    here.accept(body)
    here.work()


def noted(here: Scene, table: str) -> int:
    return int(here.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def erase(here: Scene, account: str = "a1") -> None:
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, account)


def retain(here: Scene, days: float) -> None:
    later = utcnow() + timedelta(days=days)
    records.retain(here.haven.db, here.haven.blobs, here.haven.settings.retention, later)


def upload(here: Scene, seed: int = 0) -> str:
    data = encoded(picture(seed=seed), "PNG")
    found = here.haven.hasher.hash(data)
    facts = MediaFacts(id="", sha256=found.sha256, md5=found.md5, type=found.type, size=len(data),
                       pdq=found.pdq, quality=found.quality)  # fmt: skip
    with here.haven.db.begin(here.actor) as tx:
        return intake.accept_media(tx, here.haven.blobs, here.platform, data, facts).id


def test_what_was_noted_of_a_person_goes_with_them(here: Scene) -> None:
    noting(here)
    send(here, "a1")
    before = {table: noted(here, table) for table in NOTED}
    assert all(before.values()), before
    send(here, "a2")
    erase(here, "a2")
    assert {table: noted(here, table) for table in NOTED} == before
    erase(here)
    assert {table: noted(here, table) for table in NOTED} == dict.fromkeys(NOTED, 0)


def test_what_was_noted_of_a_report_about_a_person_goes_with_them(here: Scene) -> None:
    noting(here)
    body = post("tea")
    here.accept(body)
    target = {"item": body["item"] | {"links": [LINK]}, "account": {"id": "a1"}}
    told = event(kind="report.create", account={"id": "r1"}, target=target,
                 context={"category": "spam"})  # fmt: skip
    told["item"] = {"id": body["item"]["id"], "type": "post", "links": [LINK]}
    here.accept(told)
    here.work()
    seq = here.rows("SELECT seq FROM events WHERE id = %(i)s", i=told["id"])[0]["seq"]
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""INSERT INTO shadow_matches (rule, pack, event, at)
                  VALUES ('r', 'p', %(s)s, now())""", s=seq)  # fmt: skip
    erase(here)
    for table in ("shadow_matches", "bank_matches"):
        assert here.rows(f"SELECT 1 FROM {table} WHERE event = %(s)s", s=seq) == []


def test_the_hashes_of_what_a_person_posted_go_with_them(here: Scene) -> None:
    for account in ("a1", "a2"):
        body = event(account={"id": account})
        body["item"]["media"] = [{"id": upload(here, len(account))}]
        here.accept(body)
    here.work()
    erase(here)
    rows = here.rows("SELECT e.account FROM media m JOIN events e ON e.seq = m.event")
    assert rows == [{"account": "a2"}]


def test_an_open_appeal_ends_without_an_answer(here: Scene) -> None:
    noting(here)
    made = str(say(here, "a flumquist")[0]["decision"])
    task = appeal(here, made)
    reviewer = here.reviewer("two")
    erase(here)
    (ended,) = here.rows("SELECT state, body, judgement, decided_at FROM appeals")
    assert (ended["state"], ended["body"], ended["judgement"]) == ("withdrawn", None, None)
    assert ended["decided_at"] is not None
    assert here.rows("SELECT state FROM tasks WHERE id = %(t)s", t=task) == [{"state": "cancelled"}]
    kinds = "SELECT kind FROM ledger_entries WHERE ids ->> 'decision' = %(d)s"
    assert "appeal.withdrawn" in {row["kind"] for row in here.rows(kinds, d=made)}
    with pytest.raises(Problem, match="done already"):
        here.judge(reviewer, task, "upheld")


def test_what_was_erased_cannot_be_appealed_any_more(here: Scene) -> None:
    noting(here)
    made = str(say(here, "a flumquist")[0]["decision"])
    erase(here)
    with pytest.raises(Problem, match="has been erased"), here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "Please.")
    assert here.rows("SELECT 1 FROM appeals") == []


def test_words_about_somebody_of_whom_we_know_no_account_go_too(here: Scene) -> None:
    """Their notices and appeals are sealed for the decision, not for a person."""
    noting(here)
    made = str(say(here, "a flumquist")[0]["decision"])
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE decisions SET subject = NULL")
        tx.run("UPDATE notices SET subject = decision, body = %(b)s",
               b=tx.keys.seal(made, b"{}"))  # fmt: skip
    appeal(here, made)
    erase(here)
    assert here.rows("SELECT body FROM appeals") == [{"body": None}]
    assert here.rows("SELECT DISTINCT body FROM notices") == [{"body": None}]
    gone = "SELECT destroyed_at IS NOT NULL AS gone FROM subject_keys WHERE subject = %(d)s"
    assert here.rows(gone, d=made) == [{"gone": True}]


def test_the_room_of_our_words_to_a_person_is_a_room_like_any_other(here: Scene) -> None:
    here.accept(event())
    with here.haven.db.begin(OPERATOR) as tx:
        server = """INSERT INTO matrix_servers (platform, url, server_name, tokens)
                    VALUES (%(p)s, 'https://m.example', 'm.example', '')"""
        rooms = """INSERT INTO matrix_rooms (platform, id, visibility, encrypted, person, seen_at)
                   VALUES (%(p)s, '!one', 'private', false, 'a1', now()),
                          (%(p)s, '!two', 'private', false, 'a2', now())"""
        for sql in (server, rooms):
            tx.run(sql, p=here.platform)
    erase(here)
    rows = here.rows("SELECT id, person FROM matrix_rooms ORDER BY id")
    assert rows == [{"id": "!one", "person": None}, {"id": "!two", "person": "a2"}]


# In time ---------------------------------------------------------------------------------------


def test_what_was_noted_is_forgotten_in_its_time(here: Scene) -> None:
    noting(here)
    send(here, "a1")
    retain(here, 1)
    assert all(noted(here, table) for table in NOTED)
    retain(here, 31)
    assert [noted(here, table) for table in ("event_features", "labels")] == [0, 0]
    assert noted(here, "shadow_matches") == 1
    retain(here, 91)
    assert noted(here, "shadow_matches") == 0


def test_an_account_of_which_nothing_is_kept_is_forgotten(here: Scene) -> None:
    noting(here)
    say(here, "tea", account={"id": "quiet"})
    say(here, "a flumquist", account={"id": "decided"})
    here.accept(event(account={"id": "waiting"}))
    retain(here, 89)
    assert noted(here, "accounts") == 3
    retain(here, 92)
    left = here.rows("SELECT id FROM accounts ORDER BY id")
    assert left == [{"id": "decided"}, {"id": "waiting"}]
    assert say(here, "tea", account={"id": "quiet"})[0]["outcome"] == "allow"


def test_hashes_are_forgotten_with_the_event_that_brought_them(here: Scene) -> None:
    noting(here)
    unused, passed, kept = (upload(here, seed) for seed in range(3))
    for text, media in (("tea", passed), ("a flumquist", kept)):
        body = post(text)
        body["item"]["media"] = [{"id": media}]
        here.accept(body)
    here.work()

    def known() -> set[Any]:
        return {row["id"] for row in here.rows("SELECT id FROM media")}

    retain(here, 89)
    assert known() == {unused, passed, kept}, "looking back needs them for so long"
    retain(here, 91)
    assert known() == {kept}
