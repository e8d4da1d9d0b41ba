"""The console of rules with cookies and forms only: from a mistake to what is in force, and back."""

import re
from collections.abc import Iterator

import pytest
from pages_scene import Scene
from pages_visitor import Visitor, words
from web_scene import Place

from openhaven import staff
from openhaven.policy import publishing
from openhaven.policy.standing.model import NUMBERS

RULES = "/console/rules"


@pytest.fixture(scope="module")
def pia(scene: Scene, place: Place) -> Visitor:
    """Return Pia, who writes rules."""
    return entered(scene, place, "Pia")


@pytest.fixture(scope="module")
def per(scene: Scene, place: Place) -> Visitor:
    """Return Per, who reads what Pia writes."""
    return entered(scene, place, "Per")


def entered(scene: Scene, place: Place, name: str) -> Visitor:
    with scene.tx() as tx:
        scene.people[name] = staff.create(tx, name, ("policy",))
    return Visitor(place).enter(scene.link(name))


@pytest.fixture(autouse=True)
def _as_before(scene: Scene, pia: Visitor) -> Iterator[None]:
    """Leave the rules as they were for the next test."""
    with scene.haven.db.read() as tx:
        before = publishing.standing(tx).pack
    yield
    with scene.tx("Pia") as tx:
        if publishing.standing(tx).pack != before:
            publishing.roll_back(tx, "The test is over.", before)
    follow(scene)


def follow(scene: Scene) -> None:
    publishing.follow(scene.haven.db, scene.haven.banks, scene.haven.packs)


def begun(pia: Visitor, title: str = "Fewer marks") -> str:
    """Begin a draft by its form; return the path of its page."""
    pia.get(f"{RULES}/drafts")
    reply = pia.post(f"{RULES}/drafts", title=title)
    assert reply.status == 303
    return reply.headers["location"].removesuffix("/edit")


def field(page: bytes, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"'.encode(), page)
    assert found is not None
    return found[1].decode()


def text_of(page: bytes) -> str:
    import html

    found = re.search(rb"<textarea[^>]*>\n(.*?)</textarea>", page, re.S)
    assert found is not None
    return html.unescape(found[1].decode())


def write(pia: Visitor, draft: str, old: str, new: str, file: str = "rules.yaml") -> bytes:
    """Change a text of a draft in its form, save and check it; return the page that follows."""
    page = pia.get(f"{draft}/edit?file={file}").body
    text = text_of(page)
    assert old in text
    reply = pia.post(f"{draft}/edit", file=file, version=field(page, "version"),
                     text=text.replace(old, new), then="check")  # fmt: skip
    assert reply.status == 303, words(reply)
    return pia.get(reply.headers["location"]).body


def test_each_rule_stands_with_its_clause_and_its_figures(scene: Scene, ana: Visitor) -> None:
    told = ana.text(RULES)
    pack = scene.haven.packs.current
    for rule in pack.rules:
        assert rule.id in told
        assert pack.clauses[rule.clause].title in told
    scene.post("zorgblat once more")
    assert len(NUMBERS) == 6
    page = ana.get(RULES).body.decode()
    row = next(part for part in page.split("<tr>") if "/demo-remove" in part or "demo" in part)
    assert 'data-name="Matched:"' in row
    assert "None of" in ana.text(f"{RULES}?show=fallen")
    assert "threat" in ana.text(f"{RULES}?find=threat")


def test_the_clauses_are_shown_as_people_read_them(scene: Scene, ana: Visitor) -> None:
    told = ana.text(f"{RULES}/clauses")
    for clause in scene.haven.packs.current.clauses.values():
        assert clause.title in told
        assert " ".join(clause.text.split())[:60] in told
    german = ana.text(f"{RULES}/clauses?language=de")
    assert "Not in de yet" in german


def test_a_change_goes_all_the_way_without_a_script(
    scene: Scene, ana: Visitor, pia: Visitor, per: Visitor
) -> None:
    draft = begun(pia)
    page = write(pia, draft, "item.has_media && size", "item.has_medai && size").decode()
    assert "Did you mean “item.has_media”?" in page.replace("&#34;", '"')
    assert "rules.yaml, line" in page
    assert "Once it is checked and without mistakes" in pia.text(draft)
    assert pia.post(f"{draft}/propose").status == 422

    write(pia, draft, "item.has_medai", "item.has_media")
    assert "same as what it began with" in pia.text(draft)
    write(pia, draft, "severity: 2}", "severity: 3}")
    page = pia.get(draft).body.decode()
    assert "No mistakes." in page
    assert 'class="minus"' in page
    assert '<span class="unseen">added</span>' in page
    assert "<mark>3</mark>" in page
    assert "It has not been back-tested" in page

    assert pia.post(f"{draft}/propose").status == 303
    assert "you cannot approve it yourself" in pia.text(draft)
    own = pia.post(f"{draft}/review", said="publish", reason="I like it.")
    assert own.status == 403
    assert "You wrote or proposed this draft" in words(own)
    assert "Waits for a second person" in per.text(f"{RULES}/drafts")
    per.get(draft)
    assert per.post(f"{draft}/review", said="publish", reason=" ").status == 400
    assert per.post(f"{draft}/review", said="publish", reason="Read, and agreed.").status == 303

    follow(scene)
    assert scene.haven.packs.current.files["rules.yaml"].count("severity: 3}") >= 2
    told = ana.text(f"{RULES}/log")
    assert "by Per: “Read, and agreed.”" in told
    assert "not back-tested" in told
    assert "Roll back" not in told

    per.get(f"{RULES}/log")
    back = per.post(f"{RULES}/roll-back", reason="It was too strict.")
    assert back.status == 303
    told = per.text(f"{RULES}/log")
    assert "Rolled back" in told
    assert "It was too strict." in told


def test_a_second_person_may_say_no(pia: Visitor, per: Visitor) -> None:
    draft = begun(pia, "Something hasty")
    write(pia, draft, "severity: 2}", "severity: 4}")
    pia.get(draft)
    pia.post(f"{draft}/propose")
    per.get(draft)
    assert per.post(f"{draft}/review", said="reject", reason="Too strict.").status == 303
    told = pia.text(draft)
    assert "Per rejected it" in told
    assert "“Too strict.”" in told
    reply = pia.post(f"{RULES}/drafts", title="Calmer", like=draft.rpartition("/")[2])
    assert "severity: 4}" in text_of(pia.get(reply.headers["location"]).body)


def test_who_was_overtaken_loses_nothing(pia: Visitor, per: Visitor) -> None:
    draft = begun(pia, "Two at once")
    page = pia.get(f"{draft}/edit").body
    version, text = field(page, "version"), text_of(page)
    other = per.get(f"{draft}/edit").body
    per.post(f"{draft}/edit", file="rules.yaml", version=field(other, "version"),
             text=f"# Per was here\n{text}", then="save")  # fmt: skip
    late = pia.post(f"{draft}/edit", file="rules.yaml", version=version,
                    text=f"# Pia was here\n{text}", then="save")  # fmt: skip
    assert late.status == 409
    assert "# Pia was here" in text_of(late.body)
    assert "# Per was here" in words(late).partition("What somebody else wrote")[2]
    again = pia.post(f"{draft}/edit", file="rules.yaml", version=field(late.body, "version"),
                     text=f"# Both were here\n{text}", then="save")  # fmt: skip
    assert again.status == 303


def test_files_are_added_and_taken_out(pia: Visitor) -> None:
    draft = begun(pia, "A list")
    page = pia.get(f"{draft}/edit?file=terms/new-words.txt").body
    assert b"new file" in page
    pia.post(f"{draft}/edit", file="terms/new-words.txt", version=field(page, "version"),
             text="plimsole\n", then="check")  # fmt: skip
    told = pia.text(draft)
    assert "terms/new-words.txt new file: 1 line added" in told
    page = pia.get(f"{draft}/edit?file=terms/new-words.txt").body
    pia.post(f"{draft}/edit", file="terms/new-words.txt", version=field(page, "version"),
             then="remove")  # fmt: skip
    assert "same as what it began with" in pia.text(draft)
    for odd in ("../../etc/passwd", "a b", "x" * 200, "<b>"):
        reply = pia.get(f"{draft}/edit?file={odd.replace(' ', '+').replace('<', '%3C')}")
        assert reply.status == 400
        assert b"No file of a pack can have this name" in reply.body


def test_what_deceives_the_eye_is_written_out(pia: Visitor) -> None:
    draft = begun(pia, "Odd letters")
    page = write(pia, draft, "# Pictures", "# Pict\u202eures <script>").decode()
    assert "\u202e" in text_of(page.encode())
    told = pia.get(draft).body.decode()
    assert "\\u202e" in told
    assert "\u202e" not in told.partition("What it changes")[2]
    assert "<script>" not in told.partition("What it changes")[2]


def test_who_only_reads_cannot_write(ana: Visitor, pia: Visitor) -> None:
    draft = begun(pia, "Not for Ana")
    told = ana.text(draft)
    assert "It is still being written." in told
    assert ana.get(f"{draft}/edit").status == 403
    assert ana.post(f"{draft}/edit", file="rules.yaml", version="1", text="").status == 403
    assert ana.post(f"{draft}/propose").status == 403
    assert ana.post(f"{draft}/review", said="publish", reason="x").status == 403
    assert ana.post(f"{RULES}/roll-back", reason="x").status == 403
    assert "Start a draft" not in ana.text(f"{RULES}/drafts")
