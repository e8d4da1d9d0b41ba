"""Looking back: what becomes known today is found among what was posted before, once, by people."""

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from doubles import until
from line_scene import Scene, event
from line_scene import scene as lined

from openhaven.core import Actor, Problem, new_id, utcnow
from openhaven.exchange import lookback
from openhaven.exchange import reopen as exchange_reopen
from openhaven.exchange.lookback import actions, jobs
from openhaven.exchange.lookback.comparing import SCANNED, Sieve
from openhaven.exchange.lookback.store import Page
from openhaven.intake import MediaFacts, accept_media, platform_named, set_private_basis
from openhaven.line import Haven
from openhaven.signals.banks import NewEntry, add_entries, create_bank, set_mode, withdraw_entry
from openhaven.signals.text import near
from openhaven.signals.video import Frame
from openhaven.signals.video.model import packed

DICE = random.Random(11)
# Another process that takes a page of two pieces, slowly, as a large one would be.
CHILD = """
import sys, time
from openhaven.exchange.lookback import actions, jobs
from openhaven.signals import Banks
from openhaven.storage import Database
kept, asked = actions.keep_page, []
def first(*args):
    asked.append(1)
    if len(asked) > 1:
        time.sleep(600)
    return kept(*args)
jobs.actions.keep_page = first
db = Database(sys.argv[1], bytes.fromhex(sys.argv[2]))
jobs.look_back_due(db, Banks(), 2)
"""


def value() -> bytes:
    return DICE.randbytes(32)


def flipped(given: bytes, bits: int) -> bytes:
    number = int.from_bytes(given)
    for bit in DICE.sample(range(256), bits):
        number ^= 1 << bit
    return number.to_bytes(32)


@pytest.fixture
def scene(haven: Haven) -> Scene:
    return lined(haven)


def posted(scene: Scene, pdq: bytes, **changes: Any) -> str:
    """Post a picture that has this hash; return the item's id."""
    facts = MediaFacts(id="", sha256=DICE.randbytes(32), md5=DICE.randbytes(16), type="image/png",
                       size=9, pdq=pdq, quality=90)  # fmt: skip
    with scene.haven.db.begin(scene.actor) as tx:
        media = accept_media(tx, scene.haven.blobs, scene.platform, b"picture", facts).id
    item = new_id("i")
    body = {"id": item, "type": "post", "text": "By the lake.", "media": [{"id": media}]}
    scene.accept(event(item=body, **changes))
    scene.work()
    return item


def bank(scene: Scene, name: str = "known", harm: str = "csam.known", **more: Any) -> str:
    more = {"kind": "pdq", "owner": "us", "purpose": "a test"} | more
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        return create_bank(tx, name, harm=harm, **more).id


def add(scene: Scene, *values: bytes, name: str = "known") -> None:
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        add_entries(tx, name, [NewEntry(one, 80, "a test") for one in values])


def rest(scene: Scene, page: int = 50_000) -> None:
    """Let a minute pass since the last addition, and the job do what it has to do."""
    past = utcnow() - timedelta(minutes=2)
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        tx.run("UPDATE bank_changes SET at = %(past)s", past=past)
    while lookback.look_back_due(scene.haven.db, scene.haven.banks, page):
        pass


def tasks(scene: Scene) -> list[dict[str, Any]]:
    return scene.rows("""SELECT c.item, t.queue, t.severity, c.harm, t.id FROM tasks t
                         JOIN cases c ON c.id = t.case_id ORDER BY t.opened_at""")


def ledger(scene: Scene, like: str) -> list[str]:
    rows = scene.rows("SELECT kind FROM ledger_entries WHERE kind LIKE %(l)s ORDER BY at, id",
                      l=like)  # fmt: skip
    return [row["kind"] for row in rows]


def test_what_becomes_known_is_found_where_it_was_posted_before(scene: Scene) -> None:
    known = value()
    near, far = posted(scene, flipped(known, 31)), posted(scene, flipped(known, 32))
    bank(scene)
    add(scene, known)
    rest(scene)
    (task,) = tasks(scene)
    assert (task["item"], task["queue"], task["severity"]) == (near, "child-safety", 4)
    assert far != near
    (match,) = scene.rows("SELECT * FROM bank_matches")
    assert (match["distance"], match["opinion"], match["task"]) == (31, "positive", task["id"])
    assert match["look_back"] is not None
    assert scene.rows("SELECT 1 FROM decisions") == []
    assert ledger(scene, "look_back%") == ["look_back.asked", "look_back.started",
                                           "look_back.match", "look_back.done"]  # fmt: skip


def test_what_people_decide_of_it_says_that_machines_found_it(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    bank(scene)
    add(scene, known)
    rest(scene)
    reviewer = scene.reviewer("Ana", "specialist")
    scene.judge(reviewer, tasks(scene)[0]["id"], "remove")
    scene.work()
    (made,) = scene.rows("SELECT harm, automated_detection, automated_decision FROM decisions")
    assert made == {"harm": "csam.known", "automated_detection": True, "automated_decision": "not"}
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        withdraw_entry(tx, "known", known, "a mistake")
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        assert exchange_reopen(tx) == 1


def test_a_worker_that_is_killed_leaves_it_to_the_next(scene: Scene) -> None:
    known = value()
    items = {posted(scene, flipped(known, n)) for n in range(8)}
    bank(scene)
    add(scene, known)
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known")
    child = subprocess.Popen([sys.executable, "-c", CHILD, scene.haven.db.url,
                              scene.haven.secrets.master])  # fmt: skip
    until(lambda: scene.rows("SELECT looked FROM look_backs")[0]["looked"] or child.poll())
    assert child.poll() is None
    child.kill()
    child.wait()
    assert lookback.look_back_due(scene.haven.db, scene.haven.banks) == 0
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        tx.run("UPDATE look_backs SET lease_until = now()")
    rest(scene, page=2)
    (run,) = scene.rows("SELECT state, looked, matches FROM look_backs")
    assert run == {"state": "done", "looked": 8, "matches": 8}
    assert {task["item"] for task in tasks(scene)} == items


def test_it_waits_for_additions_to_end_and_begins_by_itself(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    bank(scene)
    add(scene, known)
    assert lookback.look_back_due(scene.haven.db, scene.haven.banks) == 0
    assert tasks(scene) == []
    rest(scene)
    assert len(tasks(scene)) == 1


def test_each_pair_is_told_once_and_only_what_is_new_is_compared(scene: Scene) -> None:
    first, second = value(), value()
    posted(scene, first)
    bank(scene)
    add(scene, first)
    rest(scene)
    posted(scene, second)
    add(scene, second)
    rest(scene)
    runs = scene.rows("SELECT entries, matches FROM look_backs ORDER BY created_at")
    assert [(run["entries"], run["matches"]) for run in runs] == [(1, 1), (1, 1)]
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known")
    rest(scene)
    assert scene.rows("SELECT entries, matches FROM look_backs ORDER BY created_at DESC")[0] == {
        "entries": 2, "matches": 0
    }  # fmt: skip
    assert len(tasks(scene)) == 2


def test_what_the_line_has_matched_is_not_told_again(scene: Scene) -> None:
    known = value()
    bank(scene)
    add(scene, known)
    with scene.haven.db.read() as tx:
        scene.haven.banks.refresh(tx)
    posted(scene, known)
    before = tasks(scene)
    rest(scene)
    assert tasks(scene) == before
    assert scene.rows("SELECT look_back FROM bank_matches") == [{"look_back": None}]


@pytest.mark.parametrize(
    ("harm", "more", "words"),
    [
        ("scam", {}, "before anybody had a cause"),
        ("hate", {}, "before anybody had a cause"),
        ("ncii", {"opinion": "negative"}, "What is harmless"),
        ("csam.known", {"kind": "link-hash"}, "is not kept of what was posted"),
        ("csam.known", {"mode": "off"}, "does not match"),
    ],
)
def test_other_banks_refuse_and_say_why(
    scene: Scene, harm: str, more: dict[str, Any], words: str
) -> None:
    bank(scene, "other", harm, **more)
    with pytest.raises(Problem) as refused, scene.haven.db.begin(scene.actor) as tx:
        lookback.ask(tx, "other")
    assert words in refused.value.detail
    rest(scene)
    assert scene.rows("SELECT 1 FROM look_backs") == []


def test_a_bank_in_shadow_notes_and_asks_nobody(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    bank(scene, harm="ncii", mode="shadow")
    add(scene, known)
    rest(scene)
    assert tasks(scene) == []
    (match,) = scene.rows("SELECT opinion, noted, task FROM bank_matches")
    assert match == {"opinion": "noted", "noted": "shadow", "task": None}


def test_intimate_images_have_their_own_queue(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    bank(scene, harm="ncii.deepfake")
    add(scene, known)
    rest(scene)
    assert [task["queue"] for task in tasks(scene)] == ["intimate-images"]


def test_further_readings_and_exact_hashes_are_compared(scene: Scene) -> None:
    other, exact = value(), DICE.randbytes(16)
    facts = MediaFacts(id="", sha256=DICE.randbytes(32), md5=exact, type="image/png", size=9,
                       pdq=value(), quality=90, others=(value(), other),
                       reads=("black", "plain"))  # fmt: skip
    with scene.haven.db.begin(scene.actor) as tx:
        media = accept_media(tx, scene.haven.blobs, scene.platform, b"picture", facts).id
    scene.accept(event(item={"id": "i-odd", "type": "post", "media": [{"id": media}]}))
    scene.work()
    bank(scene)
    bank(scene, "files", kind="md5")
    add(scene, flipped(other, 5))
    add(scene, exact, name="files")
    rest(scene)
    rows = scene.rows("SELECT distance FROM bank_matches ORDER BY distance")
    assert [row["distance"] for row in rows] == [0, 5]
    assert len(tasks(scene)) == 1


def test_what_is_private_without_a_ground_is_left(scene: Scene) -> None:
    known = value()
    private = {"id": "c1", "visibility": "private"}
    posted(scene, known, conversation=private)
    bank(scene)
    add(scene, known)
    rest(scene)
    assert tasks(scene) == []
    assert scene.rows("SELECT matches, gone FROM look_backs") == [{"matches": 0, "gone": 1}]
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        set_private_basis(tx, platform_named(tx, "here"), "a law")
        lookback.ask(tx, "known")
    rest(scene)
    assert len(tasks(scene)) == 1


def test_what_is_older_than_asked_for_is_left(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    old = utcnow() - timedelta(days=31)
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        tx.run("UPDATE media SET created_at = %(old)s", old=old)
    bank(scene)
    add(scene, known)
    rest(scene)
    assert tasks(scene) == []
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known", 40)
    rest(scene)
    assert len(tasks(scene)) == 1


def test_a_run_goes_on_where_it_was_and_repeats_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = value()
    items = {posted(scene, flipped(known, n)) for n in range(6)}
    bank(scene)
    add(scene, known)
    kept: Callable[..., Any] = actions.keep_page
    calls = [0]

    def dying(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] % 2 == 0:
            kept(*args)
            raise RuntimeError("the power went, before the page was committed")
        return kept(*args)

    monkeypatch.setattr(jobs.actions, "keep_page", dying)
    for _ in range(20):
        rest(scene, page=2)
        with scene.haven.db.begin(Actor("system", "operator")) as tx:
            tx.run("UPDATE look_backs SET next_at = created_at, lease_until = NULL")
    (run,) = scene.rows("SELECT state, looked, matches, tasks FROM look_backs")
    assert run == {"state": "done", "looked": 6, "matches": 6, "tasks": 6}
    assert {task["item"] for task in tasks(scene)} == items


def test_a_bank_gone_mad_is_halted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (actions, jobs):
        monkeypatch.setattr(module, "MOST_TASKS", 2)
    known = value()
    for _ in range(4):
        posted(scene, known)
    bank(scene)
    add(scene, known)
    rest(scene, page=10)
    (run,) = scene.rows("SELECT state, tasks, last_error FROM look_backs")
    assert (run["state"], run["tasks"]) == ("halted", 2)
    assert "wrong with the bank" in run["last_error"]
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known")
    rest(scene)
    assert len(tasks(scene)) == 4


def test_many_entries_take_several_passes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (actions, jobs):
        monkeypatch.setattr(module, "SHARE", 2)
    values = [value() for _ in range(5)]
    for one in values:
        posted(scene, one)
    bank(scene)
    add(scene, *values)
    rest(scene, page=2)
    (run,) = scene.rows("SELECT state, shares, looked, matches FROM look_backs")
    assert run == {"state": "done", "shares": 3, "looked": 15, "matches": 5}


def test_one_run_at_a_time_and_it_can_be_cancelled(scene: Scene) -> None:
    posted(scene, value())
    bank(scene)
    add(scene, value())
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known")
    with pytest.raises(Problem, match="just now"), scene.haven.db.begin(scene.actor) as tx:
        lookback.ask(tx, "known")
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        actions.cancel(tx, "known")
    assert scene.rows("SELECT state FROM look_backs") == [{"state": "cancelled"}]


def test_a_withdrawn_entry_is_not_looked_for_and_a_bank_set_off_ends_it(scene: Scene) -> None:
    gone, kept = value(), value()
    posted(scene, gone)
    posted(scene, kept)
    bank(scene)
    add(scene, gone, kept)
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        withdraw_entry(tx, "known", gone)
    rest(scene)
    assert [row["entries"] for row in scene.rows("SELECT entries FROM look_backs")] == [1]
    assert len(tasks(scene)) == 1
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        lookback.ask(tx, "known")
        set_mode(tx, "known", "off")
    rest(scene)
    assert scene.rows("SELECT looked FROM look_backs WHERE why = 'asked'") == [{"looked": 0}]


def test_a_database_brought_back_from_a_copy_begins_anew(scene: Scene) -> None:
    known = value()
    posted(scene, known)
    bank(scene)
    add(scene, known)
    with scene.haven.db.begin(Actor("system", "operator")) as tx:
        tx.run("""INSERT INTO look_backs (id, bank, why, days, since, until_writer, state, asked_by,
                    created_at, ended_at, next_at)
                  SELECT 'lkb_1', id, 'asked', 30, now(), '99999999999'::xid8, 'done',
                    'system:operator', now() - interval '1 day', now(), now() FROM banks""")
    rest(scene)
    assert len(tasks(scene)) == 1


def post_with(scene: Scene, **item: Any) -> str:
    """Post something with this text or these links; return the item's id."""
    number = new_id("i")
    scene.accept(event(item={"id": number, "type": "post", **item}))
    scene.work()
    return number


@pytest.mark.parametrize("kind", ["link", "text"])
def test_links_and_texts_are_read_again(scene: Scene, kind: str) -> None:
    words = "Nobody may pass this on: the same long sentence of a made-up tale, word by word."
    given = {"link": {"text": "See https://bad.example/a?x=1 there."}, "text": {"text": words}}
    found = post_with(scene, **given[kind])
    post_with(
        scene, text="Something else that is long enough to be compared with other texts here."
    )
    value = b"bad.example/a?x=1" if kind == "link" else near.sketch(words)
    bank(scene, harm="ncii", kind=kind)
    add(scene, value)
    rest(scene, 1)
    assert [(one["item"], one["queue"]) for one in tasks(scene)] == [(found, "intimate-images")]
    rows = scene.rows("SELECT subject, look_back IS NOT NULL AS back FROM bank_matches")
    assert rows == [{"subject": "text", "back": True}]
    rest(scene)
    assert len(tasks(scene)) == 1
    (run,) = scene.rows("SELECT state, media, looked FROM look_backs")
    assert (run["state"], run["media"], run["looked"]) == ("done", 2, 2)


def test_a_private_text_without_a_ground_is_not_read_again(scene: Scene) -> None:
    number = new_id("i")
    scene.accept(event(
        kind="message.send", conversation={"id": "c", "visibility": "private"},
        item={"id": number, "type": "message", "text": "See https://bad.example/a there."},
    ))  # fmt: skip
    scene.work()
    bank(scene, kind="link")
    add(scene, b"bad.example/a")
    rest(scene)
    assert tasks(scene) == []


@pytest.mark.parametrize("kind", ["video", "pdq"])
def test_films_are_compared_frame_by_frame(scene: Scene, kind: str) -> None:
    frames = [Frame(value(), at * 1_000) for at in range(8)]
    facts = MediaFacts(id="", sha256=DICE.randbytes(32), md5=DICE.randbytes(16), type="video/mp4",
                       size=9, film=packed(frames))  # fmt: skip
    with scene.haven.db.begin(scene.actor) as tx:
        media = accept_media(tx, scene.haven.blobs, scene.platform, b"film", facts).id
    item = post_with(scene, media=[{"id": media}])
    posted(scene, value())
    bank(scene, kind=kind)
    part = [Frame(flipped(one.pdq, 9), one.at) for one in frames[2:6]]
    add(scene, packed(part) if kind == "video" else part[0].pdq)
    rest(scene)
    assert [one["item"] for one in tasks(scene)] == [item]
    (match,) = scene.rows("SELECT subject, distance FROM bank_matches")
    assert match == {"subject": f"media:{media}", "distance": 9}


@pytest.mark.parametrize("count", [1, SCANNED, SCANNED + 1, 400])
def test_comparing_finds_what_a_plain_count_finds(count: int) -> None:
    entries = [(number, value()) for number in range(1, count + 1)]
    values = [flipped(DICE.choice(entries)[1], DICE.randrange(40)) for _ in range(300)]
    names = [f"m{place % 150}" for place in range(300)]
    found = Sieve("pdq", entries, 31).hits(Page(b"".join(values), ",".join(names), 300, "m9"))
    wanted: dict[tuple[str, int], int] = {}
    for name, one in zip(names, values, strict=True):
        for number, entry in entries:
            far = (int.from_bytes(one) ^ int.from_bytes(entry)).bit_count()
            if far <= 31:
                wanted[name, number] = min(far, wanted.get((name, number), far))
    assert {(hit.media, hit.entry): hit.distance for hit in found} == wanted
