"""No sequence of calls lifts a floor; no data does; and every cell of the data is in a table."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import (
    CELLS,
    CHECK,
    CONTACTS,
    DEFAULTS,
    FILES,
    NOW,
    TODAY,
    aged,
    asked,
    bands,
    profiles,
)

from openhaven import protections
from openhaven.core import Actor, Problem, new_id
from openhaven.protections import Choice, Evidence, Profile, accounts, resolve
from openhaven.protections.floors import FLOORS, RIGHTS
from openhaven.protections.model import ALL_BANDS, BANDS, MINORS, SCALES, Choices
from openhaven.protections.sides import effective
from openhaven.storage import Database

ME = Actor("platform", "key_1")
TABLE = Path(__file__).with_name("table.txt")


def floors_hold(profile: Profile) -> None:
    """Check every floor of an account that is a known or probable minor."""
    age = resolve(DEFAULTS, profile.evidence, TODAY)
    if not age.minor:
        return
    cells = DEFAULTS.cells(age.band, profile.country)
    for feature, most in FLOORS.items():
        level = effective(cells[feature], profile.choices.get(feature, Choices()), age)
        assert level <= SCALES[cells[feature].scale].index(most), feature
    for stranger in (aged("18-plus"), aged("unknown")):
        for action in CONTACTS:
            answer = CHECK.answer(asked(action), stranger, profile, NOW)
            assert answer.answer == "deny", action
    for action, one in (("ad.profiled", "recipient"), ("location.share", "sender")):
        other = {"sender": "recipient", "recipient": "sender"}[one]
        ends = {one: profile, other: aged("18-plus")}
        answer = CHECK.answer(asked(action), ends["sender"], ends["recipient"], NOW)
        assert answer.answer == "deny", action
    shown = {
        one.feature: one for one in protections.settings_of(CHECK, profile, "en", TODAY).settings
    }
    assert {name for name, one in shown.items() if one.reason == "right"} == RIGHTS
    assert all(shown[name].value == "on" and shown[name].may_change == () for name in RIGHTS)


@settings(max_examples=500, deadline=None)
@given(profiles)
def test_nothing_that_could_be_stored_lifts_a_floor(profile: Profile) -> None:
    floors_hold(profile)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(MINORS),
    st.sampled_from(["health_information", "identity_information"]),
    profiles,
)
def test_lawful_information_is_never_kept_from_anybody(
    band: str, content: Any, profile: Profile
) -> None:
    for action in ("content.view", "recommend.content"):
        answer = CHECK.answer(asked(action, content=content), profile, profile, NOW)
        assert answer.answer == "allow"


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("set"),
            st.sampled_from([*sorted(CELLS), *sorted(RIGHTS), "no.such"]),
            st.sampled_from(["off", "ask", "on", "nobody", "connections", "peers", "everyone", ""]),
            st.sampled_from(["child", "carer", "operator"]),
            st.booleans(),
        ),
        st.tuples(st.just("age"), st.sampled_from(["declared", "estimate", "carer"]), bands,
                  st.sampled_from(["carer", "kid", None]), st.booleans()),
        st.tuples(st.sampled_from(["carer", "no carer"]), st.sampled_from(["carer", "kid", "x"]),
                  st.just(""), st.just(""), st.booleans()),
    ),
    min_size=3,
    max_size=12,
)  # fmt: skip


def do(tx: Any, platform: str, step: Any) -> None:
    what, first, second, third, flag = step
    if what == "set":
        choice = Choice(first, third, second, flag)
        accounts.set_protection(
            tx, DEFAULTS, platform, "kid", choice, carer="carer" if flag else "x"
        )
    elif what == "age":
        accounts.note_age(tx, DEFAULTS, platform, "kid", first, second, carer=third)
    elif what == "carer":
        accounts.add_carer(tx, DEFAULTS, platform, "kid", first)
    else:
        accounts.remove_carer(tx, DEFAULTS, platform, "kid", first)


@settings(max_examples=40, deadline=None)
@given(start=st.sampled_from(MINORS), sequence=steps)
def test_no_sequence_of_calls_lifts_a_floor(db: Database, start: Any, sequence: Any) -> None:
    platform = new_id("plt")
    with db.begin(ME, NOW) as tx:
        accounts.note_age(tx, DEFAULTS, platform, "kid", "declared", start)
        for step in sequence:
            with suppress(Problem):
                do(tx, platform, step)
            profile = accounts.profile_of(tx, platform, "kid")
            floors_hold(profile)
            # Nothing that the child says alone makes it older: only a stronger source does.
            strong = any(one.source != "declared" for one in profile.evidence)
            assert strong or resolve(DEFAULTS, profile.evidence, TODAY).minor


def test_ties_protect_and_the_stronger_wins() -> None:
    child = Evidence("declared", "13-15", TODAY)
    adult = Evidence("declared", "18-plus", TODAY)
    proof = Evidence("proof", "18-plus", TODAY)
    assert resolve(DEFAULTS, [adult, child], TODAY).band == "13-15"
    assert resolve(DEFAULTS, [child, proof], TODAY).band == "18-plus"
    assert resolve(DEFAULTS, [], TODAY).band == "unknown"
    assert resolve(DEFAULTS, [Evidence("proof", "18-plus", TODAY, TODAY)], TODAY).band == "unknown"
    # Who was 13 to 15 three years ago is no longer; then nothing is known.
    old = Evidence("declared", "13-15", TODAY - timedelta(days=1_100))
    assert resolve(DEFAULTS, [old], TODAY).band == "unknown"


# The data -------------------------------------------------------------------------------------


def rows() -> list[str]:
    """Return every band × feature × region of the data, one a line."""
    return [
        f"{region:3} {band:9} {feature:42} {SCALES[cell.scale][cell.default]:12}"
        f"{SCALES[cell.scale][cell.ceiling]:12}{'' if not cell.fixed else 'fixed ':7}{cell.clause}"
        for region, of in DEFAULTS.table.items()
        for band, cells in of.items()
        for feature, cell in cells.items()
    ]


def test_every_cell_is_that_of_the_table() -> None:
    """A change of what holds for whom shows as a change of table.txt, for somebody to agree to."""
    assert rows() == TABLE.read_text("utf-8").splitlines()


@pytest.mark.parametrize("country", ["*", "GB", "US", "AU", "DE", "FR"])
@pytest.mark.parametrize("band", ALL_BANDS)
def test_every_cell_holds_for_an_account(band: Any, country: str) -> None:
    region = DEFAULTS.regions.get(country, "*")
    profile = aged(band, country=country)
    shown = protections.settings_of(CHECK, profile, "en", TODAY)
    assert shown.age.band == band
    found = {one.feature: one for one in shown.settings}
    for feature, cell in DEFAULTS.table[region][band].items():
        assert found[feature].value == SCALES[cell.scale][cell.default]
        assert found[feature].values[-1] == SCALES[cell.scale][
            cell.default if cell.fixed else cell.ceiling]  # fmt: skip
        assert found[feature].text
        assert found[feature].clause
    floors_hold(profile)


def test_every_setting_that_the_texts_ask_for_is_there(shared: Path) -> None:
    texts = json.loads((shared / "standards/uk/child-defaults.json").read_text("utf-8"))
    elsewhere = {
        "block_and_mute": "rights.block_and_mute",
        "parental_controls.indicator": "rights.know_of_carers",
        "setting_change_notice": "rights.explanation_of_changes",
        "account.creation_under_13": "account.creation",
    }
    names = {*CELLS, *DEFAULTS.rights}
    for one in texts["settings"]:
        name = elsewhere.get(one["key"], one["key"])
        assert name in names, one["key"]
        if name in CELLS and one["default"].startswith("off"):
            for band in MINORS:
                cell = DEFAULTS.table["*"][band][name]
                assert cell.default <= 1, (name, band)


def changed(old: str, new: str) -> dict[str, str]:
    assert old in FILES["defaults.toml"]
    return FILES | {"defaults.toml": FILES["defaults.toml"].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('ceiling = { minor = "peers", unknown = "everyone" }\nwhy = ["ICU F1", "EU28"]',
         'ceiling = { minor = "ask", unknown = "everyone" }\nwhy = ["ICU F1", "EU28"]',
         "dm.from_non_connections may not be more open"),
        ('ceiling = { minor = "off", unknown = "off" }\nwhy = ["DSA', 'why = ["DSA',
         "ads.profiling"),
        ('minor = "nobody", unknown = "nobody", 18-plus = "connections" }',
         'minor = "everyone", unknown = "nobody", 18-plus = "connections" }',
         "by default more open than its ceiling"),
        ('"rights.appeal" = ["rights"]\n', "", "rights"),
        ("confidence = 0.3", "confidence = 3", "defaults.toml"),
        ('scale = "switch"', 'scale = "dial"', "defaults.toml"),
        ('why = ["COPPA", "GDPR 8"]', 'why = ["a friend"]', "not there"),
        ("[regions]", "[regions", "defaults.toml"),
        ('EU = ["AT"', 'EU = ["GB", "AT"', "two regions"),
    ],
)  # fmt: skip
def test_data_that_would_lift_a_floor_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        protections.compiled(changed(old, new))
    assert refused.value.code == "protections.unsound"
    assert said in refused.value.detail


def test_the_fingerprint_is_that_of_the_files() -> None:
    other = protections.compiled(changed("2026.11.1", "2026.11.2"))
    assert other.fingerprint != DEFAULTS.fingerprint
    assert protections.compiled(FILES).fingerprint == DEFAULTS.fingerprint
    assert BANDS[:3] == MINORS
