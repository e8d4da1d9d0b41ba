"""Bad input to the console over HTTP, what one chooses for oneself, and translations."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from pages_scene import Scene, gentle_picture
from pages_visitor import Visitor, words
from web_scene import Place, serving

from openhaven import staff
from openhaven.line import jobs
from openhaven.review import store
from openhaven.storage.settings import Exposure, Translation, Wellbeing

TEXT = "Everyone hates you just leave"
SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


def fresh(scene: Scene, text: str = TEXT, **more: Any) -> str:
    """Return the id of a task on a new post."""
    return scene.task_of(scene.post(text, account="pia", **more))


def taken(who: Visitor, task: str) -> str:
    """Let `who` claim a task and return the address of its page."""
    url = f"/console/tasks/{task}"
    who.get(url)
    assert who.post(f"{url}/claim").status == 303
    return url


def somebody(scene: Scene, place: Place, name: str, *roles: str) -> Visitor:
    with scene.tx() as tx:
        scene.people[name] = staff.create(tx, name, roles or ("moderator",))
    return Visitor(place).enter(scene.link(name))


def judgement(scene: Scene, **more: str) -> dict[str, str]:
    pack = scene.haven.packs.current
    values = {"pack": pack.fingerprint, "clause": "no-harassment", "outcome": "restrict"}
    return values | {"facts": "It wounds her."} | more


def test_who_loses_their_role_in_the_middle_of_a_task_does_nothing_more(
    scene: Scene, place: Place
) -> None:
    rob = somebody(scene, place, "Rob")
    task = fresh(scene, pictures=[gentle_picture(51)])
    url = taken(rob, task)
    media = rob.get(url).body.decode().partition('action="/console/media/')[2].partition("/")[0]
    with scene.tx() as tx:
        staff.set_roles(tx, scene.people["Rob"], ("policy",))
    forms = {
        f"{url}/judge": judgement(scene),
        f"{url}/hand-over": {"to": scene.people["Ana"].id, "note": "Yours."},
        f"{url}/snooze": {"hours": "2", "note": "Later."},
        f"{url}/escalate": {"level": "senior", "note": "Hard."},
        f"{url}/ask": {"note": "What do you think?"},
        f"{url}/claim": {},
        f"/console/media/{media}/reveal": {"task": task, "rendering": "grey"},
    }
    assert {rob.post(path, **form).status for path, form in forms.items()} <= {401, 403}
    # Nobody has to wait for the end of the lease.
    jobs.return_leases(scene.haven)
    with scene.haven.db.read() as tx:
        row = tx.rows("SELECT state, claimed_by FROM tasks WHERE id = %(t)s", t=task)[0]
        assert list(row.values()) == ["open", None]
        assert tx.value("SELECT count(*) FROM judgements WHERE task = %(t)s", t=task) == 0


def test_script_in_every_field_is_only_text(scene: Scene, ana: Visitor, ben: Visitor) -> None:
    item = scene.post(f"{SCRIPT} {TEXT}", account=f"pia{SCRIPT}")
    scene.report(item, "bullying", SCRIPT)
    task = scene.task_of(item)
    url = taken(ana, task)
    assert ana.post(f"{url}/ask", note=SCRIPT).status == 303
    ben.get(url)
    assert ben.post(f"{url}/say", opinion="restrict", note=SCRIPT).status == 303
    strange = {"outcome": SCRIPT, "clause": SCRIPT, "pack": SCRIPT, "days": SCRIPT}
    refused = [ana.post(f"{url}/judge", **{**judgement(scene, facts=SCRIPT), name: value})
               for name, value in strange.items()]  # fmt: skip
    assert {one.status for one in refused} <= {400, 404}
    refused += [ana.post(f"{url}/snooze", hours=SCRIPT, note=SCRIPT),
                ana.post(f"{url}/escalate", level=SCRIPT, note=SCRIPT),
                ana.post("/console/me/ways", languages=SCRIPT)]  # fmt: skip
    assert ana.post(f"{url}/judge", **judgement(scene, facts=SCRIPT)).status == 303
    jobs.settle_judgements(scene.haven)
    odd = "/console?" + "&".join(f"{name}=%3Cscript%3Ealert(1)" for name in (
        "queue", "harm", "language", "severity", "clock", "sent"))  # fmt: skip
    pages = (url, f"/console/decisions/{scene.decision_of(item)}", "/console", odd,
             "/console/decisions", "/console/me")  # fmt: skip
    for reply in [*refused, *(ben.get(path) for path in pages)]:
        for harmful in (b"<script>alert", b"<img src=x"):
            assert harmful not in reply.body
    assert "{{ 7 * 7 }}" in ben.text(url)


def test_pictures_are_only_ever_seen_more_gently_than_the_house_has_it(
    scene: Scene, place: Place
) -> None:
    kai = somebody(scene, place, "Kai")
    task = fresh(scene, pictures=[gentle_picture(61)])
    url = f"/console/tasks/{task}"
    page = kai.get(url).body.decode()
    assert "Show in colour" in page
    media = page.partition('action="/console/media/')[2].partition("/")[0]
    refused = kai.post("/console/me/ways", languages="no language")
    assert (refused.status, "These are no languages" in words(refused)) == (400, True)
    gently = {"languages": "EN, pt-BR", "only_grey": "yes", "only_small": "yes",
              "cover_text": "yes"}  # fmt: skip
    assert kai.post("/console/me/ways", **gently).status == 303
    assert b'value="en, pt"' in kai.get("/console/me").body
    page = kai.get(url).body.decode()
    assert "Show in colour" not in page
    assert "Show the text (29 characters)" in page
    seen = {"task": task, "rendering": "colour"}
    assert kai.post(f"/console/media/{media}/reveal", **seen).status == 303
    with scene.haven.db.read() as tx:
        sql = "SELECT rendering, side FROM reveals WHERE media = %(m)s"
        assert [list(row.values()) for row in tx.rows(sql, m=media)] == [["grey", 320]]
    assert kai.post("/console/me/ways", no_pictures="yes").status == 303
    assert f"/console/media/{media}" not in kai.get(url).body.decode()


def test_what_somebody_does_not_read_comes_to_them_only_once_its_turn_is_over(
    scene: Scene, place: Place
) -> None:
    pat = somebody(scene, place, "Pat")
    pat.get("/console/me")
    assert pat.post("/console/me/ways", languages="fr").status == 303
    task = fresh(scene)
    with scene.tx("Pat") as tx:
        tx.run("UPDATE tasks SET state = 'cancelled' WHERE state = 'open' AND id <> %(t)s", t=task)
        me = scene.people["Pat"].id
        assert store.next_task(tx, me, ["review"]) is None
        assert store.next_task(tx, me, ["review"], store.Narrowed(language="en")) == task
        sql = "UPDATE tasks SET opened_at = opened_at - interval '30 days', due_at = now()"
        tx.run(sql + " WHERE id = %(t)s", t=task)
        tx.run("UPDATE tasks SET due_at = opened_at + interval '1 day' WHERE id = %(t)s", t=task)
        assert store.next_task(tx, me, ["review"]) == task


def test_how_much_is_asked_of_one_person_is_a_setting(scene: Scene) -> None:
    task = fresh(scene)
    with scene.haven.db.read() as tx:
        harm = store.task(tx, task).harm
    own = Wellbeing(harms={harm: Exposure(1, pause_minutes=45)})
    settings = msgspec.structs.replace(scene.haven.settings, wellbeing=own)
    with serving(replace(scene.haven, settings=settings), ()) as place:
        eve = somebody(scene, place, "Eve")
        url = taken(eve, task)
        assert eve.post(f"{url}/judge", **judgement(scene)).status == 303
        assert "for another 45 minutes" in eve.text("/console/me")


class _Service(BaseHTTPRequestHandler):
    """Answers as a service for translations does, or as it is told to."""

    answer: bytes = json.dumps({"text": "Alle hassen dich <b>x</b>"}).encode()
    asked: list[tuple[str | None, dict[str, str]]] = []  # noqa: RUF012 (reset by each test)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append((self.headers["authorization"], json.loads(body)))
        self.send_response(200)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service(answer: bytes) -> Iterator[tuple[str, list[tuple[str | None, dict[str, str]]]]]:
    kind = type("Service", (_Service,), {"answer": answer, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/translate", kind.asked  # type: ignore[attr-defined]
        server.shutdown()
        thread.join(300)


@contextmanager
def translating(scene: Scene, **more: Any) -> Iterator[Visitor]:
    settings = msgspec.structs.replace(scene.haven.settings, translation=Translation(**more))
    with serving(replace(scene.haven, settings=settings), ()) as place:
        yield Visitor(place).enter(scene.link("Ana"))


def test_a_translation_stands_beside_the_original_and_is_recorded(
    scene: Scene, ana: Visitor
) -> None:
    task = fresh(scene)
    url = f"/console/tasks/{task}"
    assert "Translate" not in ana.text(url)
    assert ana.post(f"{url}/translate").status == 404
    answer = json.dumps({"text": "Alle hassen dich <b>x</b>"}).encode()
    with (
        service(answer) as (address, asked),
        translating(scene, url=address, key="hush", towards="de") as mo,
    ):
        assert "The text goes to another service" in mo.text(url)
        told = words(mo.post(f"{url}/translate"))
    assert TEXT in told
    assert "Alle hassen dich <b>x</b>" in told
    assert asked == [("Bearer hush", {"text": TEXT, "source": "en", "target": "de"})]
    with scene.haven.db.read() as tx:
        sql = "SELECT count(*) FROM ledger_entries WHERE kind = 'task.translated'"
        assert tx.value(sql + " AND ids ->> 'task' = %(t)s", t=task) == 1


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"text": 7}', b'{"text": " "}', b"\xff" * 50])
def test_a_service_that_answers_with_garbage_stops_nothing(scene: Scene, answer: bytes) -> None:
    task = fresh(scene)
    with service(answer) as (address, _), translating(scene, url=address) as mo:
        mo.get(f"/console/tasks/{task}")
        reply = mo.post(f"/console/tasks/{task}/translate")
    assert (reply.status, "There is no translation" in words(reply)) == (200, True)
    assert TEXT in words(reply)


@pytest.mark.parametrize("more", [{"url": "http://127.0.0.1:9/"}, {"url": "http://example.org/"},
                                  {"url": "https://x.invalid/", "adapter": "none"}])  # fmt: skip
def test_a_service_that_is_not_there_stops_nothing(scene: Scene, more: dict[str, str]) -> None:
    task = fresh(scene)
    with translating(scene, **more) as mo:
        mo.get(f"/console/tasks/{task}")
        reply = mo.post(f"/console/tasks/{task}/translate")
    assert (reply.status, "There is no translation" in words(reply)) == (200, True)


def test_nearly_the_same_text_shows_how_it_ended(scene: Scene, ana: Visitor) -> None:
    long = (f"{TEXT}. Nobody in this whole school wants to sit with you at lunch, and nobody ever "
            "will, whatever you wear and whatever you say to them.")  # fmt: skip
    first = scene.post(long, account="one", pictures=[gentle_picture(71)])
    scene.decide(scene.task_of(first), "warn", "It wounds her.", clause="no-harassment")
    again = scene.task_of(scene.post(long.replace("whole", "old"), account="two"))
    told = ana.text(f"/console/tasks/{again}")
    assert "Decided before on nearly the same" in told
    assert "Warning : nearly the same text" in told
    same = scene.task_of(scene.post(TEXT, account="six", pictures=[gentle_picture(71)]))
    assert "the same picture" in ana.text(f"/console/tasks/{same}")
