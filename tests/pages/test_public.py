"""What everybody sees: reporting, appealing, the figures; over HTTP, on the real database."""

import json
from xml.etree import ElementTree

from pages_scene import Scene
from pages_visitor import Visitor, words

from openhaven.line import jobs


def send(visitor: Visitor, **fields: str) -> tuple[int, str]:
    reply = visitor.post("/report", **{"platform": "plaza", **fields})
    return reply.status, words(reply)


def test_a_report_needs_no_name_and_gives_a_receipt_once(scene: Scene, anybody: Visitor) -> None:
    status, told = send(anybody, item="https://plaza.example/p/post-4", category="csam.known")
    assert status == 201
    assert "Somebody touches, hurts or pressures a child" in told
    receipt = told.partition("Your receipt ")[2].split()[0]
    found = anybody.get(f"/report/receipt?code={receipt.upper()}")
    assert found.headers["location"] == f"/report/{receipt}"
    assert "We received it" in anybody.text(f"/report/{receipt}")
    with scene.haven.db.read() as tx:
        sql = "SELECT item, anonymous FROM reports ORDER BY created_at DESC LIMIT 1"
        assert tx.rows(sql) == [{"item": "post-4", "anonymous": True}]


def test_a_report_tells_its_sender_what_became_of_it(scene: Scene, anybody: Visitor) -> None:
    item = scene.post("Nobody here wants you", account="vic")
    receipt = scene.report(item, "bullying")
    assert "A person is looking at it" in anybody.text(f"/report/{receipt}")
    scene.decide(scene.task_of(item), "remove", "It wounds.", clause="no-harassment")
    told = anybody.text(f"/report/{receipt}")
    assert "It was removed" in told
    assert "Ana" not in told


def test_what_is_missing_is_said_and_nothing_typed_is_lost(anybody: Visitor) -> None:
    status, told = send(anybody, category="spam", text="Every day.")
    assert (status, "Tell us what it is about." in told, "Every day." in told) == (400, True, True)
    status, told = send(anybody, item="post-1", category="", text="x")
    assert (status, "Choose what is wrong." in told) == (400, True)
    status, told = send(anybody, item="post-1", category="spam", contact="nobody")
    assert (status, "This is no e-mail address." in told) == (400, True)
    status, told = send(anybody, item="x" * 300, category="spam")
    assert (status, "too long to be one of ours" in told) == (400, True)


def test_hostile_words_stay_words(anybody: Visitor) -> None:
    for text in ('"><script>alert(1)</script>', "{{ 7*7 }}", "\u202egnp.exe", "=cmd()"):
        reply = anybody.post("/report", platform="plaza", item=text, text=text, category="")
        assert reply.status == 400
        assert b"<script>alert" not in reply.body
        assert b"49" not in reply.body.partition(b'name="item"')[2].partition(b">")[0]


def test_a_wrong_receipt_is_a_plain_answer(anybody: Visitor) -> None:
    assert anybody.get("/report/aaaa-bbbb-cccc-dddd-eeee").status == 404
    assert "letters, digits and hyphens only" in anybody.text("/report/receipt?code=%3Cb%3E")


def test_an_appeal_works_once_and_ends_with_an_answer(scene: Scene, anybody: Visitor) -> None:
    item = scene.post("zorgblat in a poem", account="wim")
    decision = scene.decision_of(item)
    url = f"/appeal/{scene.token(decision)}"
    told = anybody.text(url)
    assert "We removed something you posted" in told
    assert "Only for trying things out" in told
    assert "A computer decided" in told
    assert "demo_remove" not in told

    assert anybody.post(url, text="  ").status == 400
    reply = anybody.post(url, text="It is a poem.")
    assert (reply.status, reply.headers["location"]) == (303, url)
    assert "Your appeal is being looked at" in anybody.text(url)
    again = anybody.post(url, text="Still a poem.")
    assert (again.status, "Your appeal is being looked at" in words(again)) == (409, True)

    scene.deliver()
    with scene.haven.db.read() as tx:
        sql = "SELECT t.id FROM tasks t JOIN appeals a ON a.id = t.appeal WHERE a.decision = %(d)s"
        task = str(tx.value(sql, d=decision))
    scene.decide(task, "upheld", "It is a poem indeed.", "Ben")
    jobs.settle_judgements(scene.haven)
    told = anybody.text(url)
    assert "Your appeal was successful" in told
    assert "It is a poem indeed." in told
    assert "Putting back what was removed" in told
    assert "Ben" not in told


def test_a_guessed_appeal_link_leads_nowhere(scene: Scene, anybody: Visitor) -> None:
    token = scene.token(scene.decision_of("post-13"))
    for guess in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:26], "x", "%C3%A9"):
        assert anybody.get(f"/appeal/{guess}").status == 404
        assert anybody.post(f"/appeal/{guess}", text="Mine?").status == 404


def test_the_figures_are_there_as_page_json_csv_and_chart(anybody: Visitor) -> None:
    told = anybody.text("/transparency")
    assert "What we did at Testplace" in told
    assert "Numbers from 1 to 4 are withheld" in told
    assert "0 government orders" in told or "government orders 0" in told
    data = json.loads(anybody.get("/transparency/data.json").body)
    tables = {table["name"]: table for table in data["tables"]}
    assert tables["outcome"]["total"] >= 9
    shown = [row["n"] for table in data["tables"] for row in table["rows"]]
    assert not {1, 2, 3, 4} & set(shown)
    assert anybody.get("/transparency/data.csv").body.startswith(b"table,key,label,value,withheld")
    chart = anybody.get("/transparency/chart.svg")
    assert chart.headers["content-type"].startswith("image/svg+xml")
    assert ElementTree.fromstring(chart.body).tag.endswith("svg")


def test_anybody_learns_how_to_check_the_ledger(scene: Scene, anybody: Visitor) -> None:
    scene.haven.sequencer.tick()
    told = anybody.text("/transparency/verify")
    assert "openhaven ledger verify" in told
    assert "entries under the newest head" in told


def test_the_start_page_leads_on(anybody: Visitor) -> None:
    page = anybody.get("/")
    for link in (b"/report", b"/transparency", b"/console"):
        assert b'href="' + link + b'"' in page.body
