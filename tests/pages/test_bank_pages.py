"""Banks in the console: two people for what is harmless, why something matched, and comparing."""

import io
import logging
import re
from pathlib import Path

import pytest
from pages_scene import Scene, gentle_picture
from pages_visitor import Visitor, words
from PIL import Image
from web_scene import Place, Reply

from openhaven import staff
from openhaven.core import system
from openhaven.signals.banks import NewEntry, add_entries, create_bank
from openhaven.signals.banks.grids import grids, path
from openhaven.signals.banks.matches import Seen, record

OPERATOR = system("operator")


def small(data: bytes) -> bytes:
    """Return a picture as somebody saves it anew: smaller, as a JPEG."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").resize((300, 200)).save(out, "JPEG", quality=70)
    return out.getvalue()


@pytest.fixture(scope="module")
def filled(scene: Scene) -> dict[str, int]:
    """Fill banks, let one match, and return the ids of matches and entries by a word."""
    picture = gentle_picture(40)
    seen = scene.haven.hasher.hash(picture)
    assert seen.pdq is not None
    with scene.haven.db.begin(OPERATOR) as tx:
        for name in ("Kay", "Lou"):
            scene.people[name] = staff.create(tx, name, ("policy",))
        for name, harm, opinion in (
            ("shared-list", "ncii", "positive"), ("closed-list", "csam.known", "positive"),
            ("fine", "other", "negative"), ("scams", "scam", "positive"),
        ):  # fmt: skip
            create_bank(tx, name, kind="pdq", harm=harm, owner="us", purpose="A test.",
                        opinion=opinion)  # fmt: skip
        entry = NewEntry(seen.pdq, 90, "a partner", tags=("reported",))
        for name in ("shared-list", "scams"):
            add_entries(tx, name, [entry])
        # Another picture: what matches here would be for specialists alone.
        add_entries(tx, "closed-list", [NewEntry(bytes(range(32)), 90, "a partner")])
    with scene.haven.db.read() as tx:
        scene.haven.banks.refresh(tx)
    item = scene.post("A picture.", account="pat", pictures=[small(picture)])
    with scene.haven.db.read() as tx:
        row = tx.rows("SELECT seq FROM events WHERE item = %(i)s", i=item)[0]
        found = tx.rows("""SELECT m.id, m.entry, m.distance, b.name FROM bank_matches m
                           JOIN banks b ON b.id = m.bank WHERE m.event = %(e)s""",
                        e=row["seq"])  # fmt: skip
    ids = {one["name"]: one["id"] for one in found}
    return ids | {f"{one['name']} entry": one["entry"] for one in found}


@pytest.fixture(scope="module")
def kay(scene: Scene, place: Place, filled: dict[str, int]) -> Visitor:
    return Visitor(place).enter(scene.link("Kay"))


@pytest.fixture(scope="module")
def lou(scene: Scene, place: Place, filled: dict[str, int]) -> Visitor:
    return Visitor(place).enter(scene.link("Lou"))


def upload(who: Visitor, data: bytes, *banks: str) -> Reply:
    parts = [f'name="csrf"\r\n\r\n{who.csrf}'.encode()]
    parts += [f'name="bank"\r\n\r\n{one}'.encode() for one in banks]
    parts += [b'name="file"; filename="private name.png"\r\ncontent-type: image/png\r\n\r\n' + data]
    head = b"\r\ncontent-disposition: form-data; "
    body = b"".join(b"--xyz" + head + part + b"\r\n" for part in parts) + b"--xyz--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=xyz", "cookie": who.cookie,
               "accept": "text/html"}  # fmt: skip
    return who.place.ask("POST", "/console/compare", body, headers)


# Pages ----------------------------------------------------------------------------------------


def test_banks_and_entries_say_what_they_are(kay: Visitor, filled: dict[str, int]) -> None:
    said = kay.text("/console/banks")
    assert "shared-list Live pictures, also nearly the same; kept by us" in said
    said = kay.text("/console/banks/shared-list")
    assert "An intimate picture shared without consent: harmful" in said
    assert "Match" in said
    page = kay.get(f"/console/bank-entries/{filled['shared-list entry']}")
    assert b'role="img" aria-label="The hash of this entry' in page.body
    assert b"<img" not in page.body.partition(b"<main")[2]
    assert "Comes from a partner" in words(page)


def test_an_entry_is_found_by_its_value(kay: Visitor, scene: Scene) -> None:
    with scene.haven.db.read() as tx:
        row = tx.rows("""SELECT e.id, encode(e.value, 'hex') AS v FROM bank_entries e
                         JOIN banks b ON b.id = e.bank WHERE b.name = 'scams'""")[0]
    found = kay.get(f"/console/banks/scams?value={row['v']}")
    assert found.headers["location"] == f"/console/bank-entries/{row['id']}"
    assert kay.get("/console/banks/scams?value=" + "ab" * 32).status == 404
    assert kay.get("/console/banks/scams?value=zz").status == 400


def test_why_did_this_match_shows_both_hashes_and_their_difference(
    ana: Visitor, filled: dict[str, int]
) -> None:
    page = ana.get(f"/console/bank-matches/{filled['shared-list']}")
    assert page.status == 200
    said = words(page)
    assert "the same picture" in said
    assert page.body.count(b'class="hash"') == 3
    assert b'class="veiled"' in page.body
    assert "detail 90 of 100" in said
    assert "/clear" not in page.body.decode()


def test_to_look_closely_is_recorded(ana: Visitor, scene: Scene, filled: dict[str, int]) -> None:
    where = f"/console/bank-matches/{filled['shared-list']}"
    with scene.haven.db.begin(OPERATOR) as tx:
        task = tx.value("SELECT id FROM tasks WHERE kind = 'review' LIMIT 1")
        event = tx.value("SELECT event FROM bank_matches WHERE id = %(m)s",
                         m=filled["shared-list"])  # fmt: skip
        tx.run("UPDATE bank_matches SET task = %(t)s WHERE event = %(e)s", t=task, e=event)
        tx.run("UPDATE tasks SET event = %(e)s WHERE id = %(t)s", t=task, e=event)
    page = ana.get(where)
    media = re.search(rb"/console/media/(med_\w+)/reveal", page.body)
    assert media is not None
    fields = {"task": str(task), "match": str(filled["shared-list"])}
    reply = ana.post(f"/console/media/{media[1].decode()}/reveal", **fields)
    assert reply.headers["location"] == where
    assert b"/clear" in ana.get(where).body
    with scene.haven.db.read() as tx:
        assert tx.value("SELECT count(*) FROM reveals WHERE task = %(t)s", t=task) == 1


def test_the_task_leads_to_why_it_matched(
    ana: Visitor, scene: Scene, filled: dict[str, int]
) -> None:
    with scene.haven.db.read() as tx:
        task = tx.value("""SELECT t.id FROM tasks t JOIN bank_matches m ON m.event = t.event
                           LIMIT 1""")
    page = ana.get(f"/console/tasks/{task}")
    assert f"/console/bank-matches/{filled['shared-list']}".encode() in page.body
    assert "Why did this match?" in words(page)


def test_who_may_say_so_says_whether_it_was_right(
    ana: Visitor, ida: Visitor, filled: dict[str, int]
) -> None:
    where = f"/console/bank-matches/{filled['scams']}"
    ana.get(where)
    assert ana.post(f"{where}/say", word="false_match").status == 303
    assert "You said that it was false." in ana.text(where)
    assert ana.post(f"{where}/say", word="nonsense").status == 400
    assert b"Was it right?" not in ida.get(where).body
    ida.get("/console/banks")
    assert ida.post(f"{where}/say", word="confirm").status == 403


# Two people -----------------------------------------------------------------------------------


def test_what_is_harmless_takes_two_people(kay: Visitor, lou: Visitor, ana: Visitor) -> None:
    given = {"value": "3f" * 16 + "a0" * 16, "provenance": "A logo, seen by me."}
    kay.get("/console/banks/fine")
    assert kay.post("/console/banks/fine/propose", **given).status == 303
    page = kay.get("/console/banks/fine")
    assert "Somebody else confirms it." in words(page)
    number = re.search(rb"/console/bank-entries/(\d+)\"", page.body)
    assert number is not None
    where = f"/console/bank-entries/{number[1].decode()}"
    refused = kay.post(f"{where}/confirm")
    assert refused.status == 403
    assert "somebody else must confirm it" in words(refused)
    ana.get(where)
    assert ana.post(f"{where}/confirm").status == 403
    assert "Kay says that this is harmless" in lou.text(where)
    assert lou.post(f"{where}/confirm").status == 303
    assert "Confirmed" in lou.text(where)
    assert "by Lou" in lou.text(where)


def test_a_wrong_value_keeps_what_was_typed(kay: Visitor) -> None:
    kay.get("/console/banks/fine")
    reply = kay.post("/console/banks/fine/propose", value="not a hash", provenance="mine")
    assert reply.status == 400
    assert b'value="not a hash"' in reply.body
    again = kay.post("/console/banks/scams/propose", value="3f" * 32, provenance="mine")
    assert again.status == 400


def test_an_entry_is_withdrawn_with_a_reason(kay: Visitor, scene: Scene) -> None:
    with scene.haven.db.begin(OPERATOR) as tx:
        add_entries(tx, "scams", [NewEntry(bytes(range(32)), 80, "by mistake")])
        number = tx.value("SELECT max(id) FROM bank_entries")
    where = f"/console/bank-entries/{number}"
    kay.get(where)
    assert kay.post(f"{where}/withdraw", reason=" ").status == 400
    assert kay.post(f"{where}/withdraw", reason="It is a shop.").status == 303
    assert "by Kay: It is a shop." in kay.text(where)


# Looking back ---------------------------------------------------------------------------------


def test_looking_back_is_asked_for_and_seen(kay: Visitor, ana: Visitor) -> None:
    kay.get("/console/banks/shared-list")
    assert kay.post("/console/banks/shared-list/look-back", days="0").status == 400
    assert kay.post("/console/banks/shared-list/look-back", days="7").status == 303
    said = kay.text("/console/banks/shared-list")
    assert "Waits, asked for by Kay" in said
    busy = kay.post("/console/banks/shared-list/look-back", days="7")
    assert busy.status == 409
    assert kay.post("/console/banks/shared-list/look-back/cancel").status == 303
    assert "Cancelled" in kay.text("/console/banks/shared-list")
    refused = kay.post("/console/banks/scams/look-back", days="7")
    assert refused.status == 403
    assert "before anybody had a cause" in words(refused)
    ana.get("/console/banks/shared-list")
    assert ana.post("/console/banks/shared-list/look-back", days="7").status == 403


# Comparing ------------------------------------------------------------------------------------


def everything(scene: Scene) -> dict[str, int]:
    """Return how many rows each table has."""
    with scene.haven.db.read() as tx:
        tables = [row["t"] for row in tx.rows(
            "SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")]  # fmt: skip
        return {one: int(tx.value(f"SELECT count(*) FROM {one}")) for one in tables}


def files(home: Path) -> set[Path]:
    return {one for one in home.rglob("*") if one.is_file()}


def test_a_file_is_compared_and_nothing_of_it_is_kept(
    kay: Visitor, scene: Scene, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    data = small(gentle_picture(40))
    seen = scene.haven.hasher.hash(data)
    kay.get("/console/compare")
    rows, kept = everything(scene), files(scene.haven.settings.home)
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        reply = upload(kay, data, "scams", "shared-list")
    said = words(reply)
    assert reply.status == 200
    assert "scams (harmful)" in said
    assert "the same picture" in said
    assert everything(scene) == rows
    assert files(scene.haven.settings.home) == kept
    logged = "".join(capfd.readouterr()) + caplog.text
    assert seen.pdq is not None
    for secret in ("private name", seen.sha256.hex(), seen.md5.hex(), seen.pdq.hex(), "scams"):
        assert secret not in logged


def test_banks_about_harm_to_children_are_closed(kay: Visitor) -> None:
    said = kay.text("/console/compare")
    assert "Left out: closed-list." in said
    assert b'value="closed-list"' not in kay.get("/console/compare").body
    reply = upload(kay, gentle_picture(40), "closed-list", "scams")
    assert reply.status == 403
    assert "cannot be compared with" in words(reply)
    assert "the same picture" not in words(reply)


def test_what_cannot_be_compared_is_told(kay: Visitor) -> None:
    kay.get("/console/compare")
    assert "Choose a file" in words(upload(kay, b"", "scams"))
    assert "Choose a file" in words(upload(kay, gentle_picture(2)))
    assert "None of them knows it." in words(upload(kay, b"no picture at all", "scams"))
    assert upload(kay, b"x", "no-such-bank").status == 404
    kay.csrf = "wrong"
    assert upload(kay, gentle_picture(2), "scams").status == 403
    kay.get("/console/compare")
    broken = {"content-type": "multipart/form-data; boundary=xyz", "cookie": kay.cookie}
    for body in (b"", b"--xyz", b"--xyz\r\n\r\nno name\r\n--xyz--", b"--xyz\r\n" * 500):
        assert kay.place.ask("POST", "/console/compare", body, broken).status == 400


# Drawing --------------------------------------------------------------------------------------


def test_a_drawing_has_exactly_the_bits_of_the_hash() -> None:
    ours, theirs = bytes(range(32)), bytes(range(31, -1, -1))
    for value in (ours, theirs, b"\xff" * 32, b"\0" * 31 + b"\1", b"\x80" + b"\0" * 31):
        boxes = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path(int.from_bytes(value)))
        drawn = sum(
            1 << int(row) * 16 + column
            for left, row, run, _ in boxes
            for column in range(int(left), int(left) + int(run))
        )
        assert drawn == int.from_bytes(value)
    both = grids(ours, theirs)
    number = int.from_bytes(ours) ^ int.from_bytes(theirs)
    assert both.distance == number.bit_count()
    assert both.only_theirs.count("M") == (int.from_bytes(theirs) & number).bit_count()


def test_nothing_is_recorded_twice(scene: Scene, filled: dict[str, int]) -> None:
    with scene.haven.db.begin(OPERATOR) as tx:
        event = tx.value("SELECT event FROM bank_matches WHERE id = %(m)s", m=filled["scams"])
        subject = tx.value("SELECT subject FROM bank_matches WHERE id = %(m)s",
                           m=filled["scams"])  # fmt: skip
        one = Seen(event, "scams", filled["scams entry"], subject, "positive", 0)
        assert record(tx, [one]) == 0
