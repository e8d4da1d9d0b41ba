"""An operator's own data: stricter as it likes, more open only by law, and never below a floor."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import CELLS, DEFAULTS

from openhaven.core import Problem
from openhaven.main import build
from openhaven.protections import floors, load, own
from openhaven.protections.model import ALL_BANDS, SCALES
from openhaven.storage import Settings

if TYPE_CHECKING:
    from openhaven.line import Haven

STRICTER = """version = "shop 1"
[[change]]
feature = "contact.requests"
default = { minor = "nobody" }

[[change]]
feature = "profile.visibility"
ceiling = { 13-15 = "connections" }
regions = ["US"]
"""
BY_LAW = """version = "shop 2"
[regions]
CH = ["CH"]
[[change]]
feature = "autoplay"
regions = ["CH"]
default = { 16-17 = "on" }
law = "A made-up law for tests, section 1"
"""


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / own.FILE).write_text(text, "utf-8")
    return tmp_path


def test_stricter_needs_no_reason(tmp_path: Path) -> None:
    made, files = load(folder(tmp_path, STRICTER))
    assert made.cells("13-15", "GB")["contact.requests"].default == 0
    assert made.cells("18-plus", "GB") == DEFAULTS.cells("18-plus", "GB")
    us = made.cells("13-15", "US")["profile.visibility"]
    assert (us.default, us.ceiling) == (1, 1)
    assert made.cells("13-15", "GB")["profile.visibility"].ceiling == 4
    assert made.opened == ()
    assert made.fingerprint != DEFAULTS.fingerprint
    assert made.version.endswith("shop 1")
    assert own.FILE in files


def test_what_a_law_lets_open_is_told(tmp_path: Path) -> None:
    made, _ = load(folder(tmp_path, BY_LAW))
    assert made.cells("16-17", "CH")["autoplay"].default == SCALES["switch"].index("on")
    assert made.cells("16-17", "CH")["autoplay"].why[-1].startswith("A made-up law")
    assert made.cells("16-17", "DE")["autoplay"].default == 0
    (opened,) = made.opened
    assert (opened.feature, opened.region, opened.band, opened.before, opened.after) == (
        "autoplay", "CH", "16-17", "off", "on",
    )  # fmt: skip


FIRST = 'version = "x"\n\n'


@pytest.mark.parametrize(("text", "said"), [
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { minor = "on" }', "line 3"),
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { minor = "on" }', "no `law`"),
    (STRICTER + '[[change]]\nfeature = "ads.profiling"\nceiling = { minor = "on" }\nlaw = "x"',
     "line 10: ads.profiling"),
    (STRICTER + '[[change]]\nfeature = "ads.profiling"\nceiling = { minor = "on" }\nlaw = "x"',
     "floor"),
    (FIRST + '[[change]]\nfeature = "dm.from_non_connections"\nceiling = { 16-17 = "everyone" }\n'
     'law = "x"', "floor"),
    (FIRST + '[[change]]\nfeature = "location.share"\ndefault = { 16-17 = "everyone" }\n'
     'ceiling = { 16-17 = "everyone" }\nlaw = "x"', "floor"),
    (FIRST + '[[change]]\nfeature = "no.such"\ndefault = { minor = "on" }', "no feature"),
    (FIRST + '[[change]]\nfeature = "rights.report"\ndefault = { minor = "off" }', "no feature"),
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { toddler = "off" }', "band"),
    (FIRST + '[[change]]\nfeature = "autoplay"', "band"),
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { minor = "dim" }', "'dim'"),
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { minor = "off" }\nregions = ["XX"]',
     "region"),
    (FIRST + '[[change]]\nfeature = 3', "line 3"),
    (FIRST + '[regions]\nDE = ["DE"]', "already"),
    (FIRST + '[[change]]\nfeature = "autoplay"\ndefault = { minor = ]\n', "line 5"),
    ('change = [{feature = "autoplay", default = {minor = "off"}}]\nversion = "x"', "[[change]]"),
    ("", "version"),
])  # fmt: skip
def test_data_that_is_not_sound_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(Problem) as refused:
        load(folder(tmp_path, text))
    assert refused.value.code == "protections.unsound"
    assert said in refused.value.detail


changes = st.builds(
    lambda feature, values, band, law, ceiling: (feature, values, band, law, ceiling),
    st.sampled_from(sorted(CELLS)), st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.sampled_from([*ALL_BANDS, "minor"]), st.sampled_from(["", "some law"]), st.booleans(),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(changes, min_size=1, max_size=5))
def test_no_operators_file_lifts_a_floor(several: list) -> None:
    text = 'version = "x"\n'
    for feature, (first, second), band, law, ceiling in several:
        scale = SCALES[CELLS[feature].scale]
        default, most = scale[first % len(scale)], scale[second % len(scale)]
        text += f'[[change]]\nfeature = "{feature}"\ndefault = {{ {band} = "{default}" }}\n'
        text += f'ceiling = {{ {band} = "{most}" }}\n' if ceiling else ""
        text += f'law = "{law}"\n' if law else ""
    try:
        made = own.applied(DEFAULTS, text)
    except Problem:
        return
    for bands in made.table.values():
        for band, cells in bands.items():
            assert list(floors.lifted(cells, band)) == []
            assert all(cell.default <= cell.ceiling for cell in cells.values())
    if not any(law for *_, law, _ in several):
        assert made.opened == ()


def test_what_is_opened_is_in_the_ledger_and_counted_once(haven: "Haven", tmp_path: Path) -> None:
    def start(home: Path) -> "Haven":
        kept = Settings(home=home, protections=folder(tmp_path, BY_LAW))
        return build(kept, haven.secrets, haven.db.url)

    for again in ("one", "two"):
        other = start(tmp_path / again)
        other.close()
    with haven.db.read() as tx:
        kinds = [row["kind"] for row in tx.rows("SELECT kind FROM ledger_entries")]
        rows = tx.rows("SELECT feature, role, weaker, law FROM protection_changes")
    assert kinds.count("protection.weakened") == 1
    assert kinds.count("protection.data") == 1
    assert [(row["feature"], row["role"], row["weaker"]) for row in rows] == [
        ("autoplay", "law", True)
    ]
    assert "A made-up law" in rows[0]["law"]
    folder(tmp_path, BY_LAW.replace("autoplay", "ads.profiling"))
    with pytest.raises(Problem, match="not sound"):
        build(Settings(home=tmp_path / "x", protections=tmp_path), haven.secrets, haven.db.url)
