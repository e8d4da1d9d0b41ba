"""The console of rules with forms only: from a mistake to what is in force, and back."""

import html
import re
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pages_scene import Scene
from pages_visitor import Visitor, words
from web_scene import Place

from openhaven import staff
from openhaven.core import utcnow
from openhaven.policy import backtest, publishing
from openhaven.policy.places import visible
from openhaven.policy.publishing.changes import LONGEST, changes
from openhaven.policy.standing import actions

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
    page = ana.get(RULES).body.decode()
    row = next(part for part in page.split("<tr>") if "/rule/demo-word-to-remove" in part)
    numbers = dict(re.findall(r'data-name="(\w+):">([0-9,]+)<', row))
    assert int(numbers["Matched"]) == int(numbers["Acted"]) >= 8
    assert "None of" in ana.text(f"{RULES}?show=fallen")
    assert "threat" in ana.text(f"{RULES}?find=threat")


def test_the_clauses_are_shown_as_people_read_them(scene: Scene, ana: Visitor) -> None:
    told = ana.text(f"{RULES}/clauses")
    for clause in scene.haven.packs.current.clauses.values():
        assert clause.title in told
        assert " ".join(clause.text.split())[:60] in told
    assert "Nur zum Ausprobieren" in ana.text(f"{RULES}/clauses?language=de")


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
    shown = field(per.get(draft).body, "fingerprint")
    own = pia.post(f"{draft}/review", said="publish", reason="I like it.", fingerprint=shown)
    assert own.status == 403
    assert "You wrote or proposed this draft" in words(own)
    assert "Waits for a second person" in per.text(f"{RULES}/drafts")
    per.get(draft)
    assert per.post(f"{draft}/review", said="publish", reason=" ").status == 400
    other = {"said": "publish", "reason": "Read, and agreed.", "fingerprint": "sha256:" + "0" * 64}
    assert per.post(f"{draft}/review", **other).status == 409
    read = {**other, "fingerprint": field(per.get(draft).body, "fingerprint")}
    assert per.post(f"{draft}/review", **read).status == 303

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


def test_a_rule_on_trial_is_made_live_in_a_draft(scene: Scene, pia: Visitor) -> None:
    name = next(one.id for one in scene.haven.packs.current.rules if one.mode == "shadow")
    told = pia.text(f"{RULES}/rule/{name}")
    assert "Trial only" in told
    assert "Its record on trial" in told
    reply = pia.post(f"{RULES}/rule/{name}/promote")
    assert reply.status == 303
    page = pia.get(reply.headers["location"]).body.decode()
    assert f"Make the rule {name} live" in page
    assert "1 line added, 1 removed" in page
    assert "<mark>shadow</mark>" in page or "<mark>" in page
    live = next(one.id for one in scene.haven.packs.current.rules if one.mode == "live")
    pia.get(f"{RULES}/rule/{live}")
    refused = pia.post(f"{RULES}/rule/{live}/promote")
    assert refused.status == 409
    assert "is live already" in words(refused)


def test_a_rule_that_fell_back_is_seen_and_let_act_again(
    scene: Scene, ana: Visitor, pia: Visitor
) -> None:
    name = "demo-word-to-remove"
    with scene.tx() as tx:
        actions._fall(tx, scene.haven.packs.current, name, appeals=25, overturned=9)
    assert f"{name} only asks a person now." in ana.text(RULES)
    assert name in ana.text(f"{RULES}?show=fallen")
    assert "It only asks a person now" in ana.text(f"{RULES}/rule/{name}")
    assert ana.post(f"{RULES}/rule/{name}/lift", reason="I say so.").status == 403
    pia.get(f"{RULES}/rule/{name}")
    assert pia.post(f"{RULES}/rule/{name}/lift", reason=" ").status == 400
    assert pia.post(f"{RULES}/rule/{name}/lift", reason="The list was mended.").status == 303
    assert "only asks a person" not in ana.text(f"{RULES}/rule/{name}")
    assert pia.get(f"{RULES}/rule/no-such").status == 404


def started(scene: Scene, pia: Visitor, draft: str, **more: str) -> str:
    """Start a back-test of a draft by its form, over today; return the path of its page."""
    today = utcnow().date().isoformat()
    pia.get(f"{RULES}/backtests")
    fields = {"pack": draft.rpartition("/")[2], "against": "", "since": today, "until": today}
    reply = pia.post(f"{RULES}/backtests", purpose="To see it.", **{**fields, **more})
    assert reply.status == 303, words(reply)
    return reply.headers["location"]


def test_a_back_test_is_started_followed_and_read(scene: Scene, ana: Visitor, pia: Visitor) -> None:
    draft = begun(pia, "Words are looked at")
    changed = "when: terms.demo_remove\n  then: {outcome: review, harm: other}"
    write(pia, draft, "when: terms.demo_remove\n  then: {outcome: remove, harm: other}", changed)
    where = started(scene, pia, draft)
    told = pia.text(where)
    assert "Waits for its turn" in told
    assert "Cancel it" in told
    assert "A back-test is under way" in pia.text(draft)
    with scene.tx() as tx:
        assert backtest.claim(tx, "here") == where.rpartition("/")[2]
    backtest.run(scene.haven.db, where.rpartition("/")[2], "here")
    told = pia.text(where)
    assert "another outcome" in told
    for title in (
        "Acted on, by day", "By rule", "By clause", "Work for reviewers", "What people judged",
        "Age bands", "Languages", "Some of these events",
    ):  # fmt: skip
        assert title in told
    assert "demo-word-to-remove" in told
    svg = pia.get(f"{where}/chart.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert b"<circle" in svg.body
    assert "zorgblat number" not in told
    looked = pia.post(f"{where}/look")
    assert "zorgblat number" in words(looked)
    # Ana reads the figures, which name nobody; the events stay with those who write rules.
    told = ana.text(where)
    assert "By rule" in told
    assert "None are named" in told
    assert ana.post(f"{where}/look").status == 403
    assert ana.post(f"{where}/cancel").status == 403
    ended = pia.post(f"{where}/cancel")
    assert ended.status == 409
    assert "is done already" in words(ended)
    assert "See what it found" in pia.text(draft)


def test_a_back_test_that_waits_is_cancelled(scene: Scene, pia: Visitor) -> None:
    draft = begun(pia, "Never mind")
    write(pia, draft, "severity: 2}", "severity: 4}")
    where = started(scene, pia, draft, against="now")
    pia.get(where)
    assert pia.post(f"{where}/cancel").status == 303
    assert "Cancelled." in pia.text(where)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("since", "2031-01-01", "The period lies in the future"),
        ("since", "yesterday", "A day is written like"),
        ("until", "2020-01-01", "The period ends before it begins"),
        ("purpose", "", "Say in a sentence"),
        ("pack", "nothing", "There is no installed pack"),
        ("platform", "nowhere", "platform"),
    ],
)
def test_a_back_test_without_sense_is_refused(
    pia: Visitor, field: str, value: str, says: str
) -> None:
    today = utcnow().date().isoformat()
    pia.get(f"{RULES}/backtests")
    good = {"pack": "starter", "since": today, "until": today, "purpose": "To see it."}
    if value == "2031-01-01":
        good["until"] = "2031-01-02"
    reply = pia.post(f"{RULES}/backtests", **{**good, field: value})
    assert 400 <= reply.status < 500
    assert says in words(reply)


def test_changes_are_found_line_by_line() -> None:
    (one,) = changes({"a": "1\n2\n3\n"}, {"a": "1\nx2\n3\n4\n"})
    assert (one.how, one.added, one.removed, one.unshown) == ("changed", 2, 1, 0)
    assert [(line.sign, line.before, line.after) for line in one.groups[0]] == [
        (" ", 1, 1), ("-", 2, None), ("+", None, 2), (" ", 3, 3), ("+", None, 4),
    ]  # fmt: skip
    many = "\n".join(map(str, range(50_000)))
    (long,) = changes({"a": many}, {"a": many.replace("5", "five")})
    assert long.unshown == long.added + long.removed - LONGEST > 0
    assert [one.how for one in changes({"a": "1"}, {"b": "1"})] == ["gone", "new"]


@given(st.lists(st.sampled_from("abc\u200b"), max_size=12),
       st.lists(st.sampled_from("abc\u200b"), max_size=12))  # fmt: skip
def test_what_is_shown_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    """Whoever applies the lines that are shown to the old text has the new one."""
    found = changes({"f": "\n".join(old)}, {"f": "\n".join(new)})
    if old == new:
        assert not found
    if not found:
        return
    lines = [line for group in found[0].groups for line in group]
    gone = {line.before for line in lines if line.sign == "-"}
    came = {line.after: "".join(text for text, _ in line.pieces) for line in lines
            if line.sign == "+"}  # fmt: skip
    kept = iter([text for n, text in enumerate(old, 1) if n not in gone])
    length = len(old) - len(gone) + len(came)
    applied = [came[n] if n in came else visible(next(kept)) for n in range(1, length + 1)]
    assert applied == [visible(text) for text in new]
