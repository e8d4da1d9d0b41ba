"""Every restriction has a statement that the DSA database would take, without personal data."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.core import HARMS
from openhaven.core.words import Measure
from openhaven.decisions import dsa

OUTCOMES = ("allow", "warn", "restrict", "remove", "block", "suspend")
RESTRICTIONS = {"restrict", "remove", "block", "suspend"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `decisions`, as far as a statement could be tempted to read it."""

    id: str
    account: str | None
    subject: str | None
    item: str | None
    outcome: str
    harm: str
    clause_title: str
    clause_text: str
    facts: str
    ground: str
    ground_reference: str
    scope: tuple[str, ...]
    measure: str
    starts_at: datetime | None
    until: datetime | None
    source: str
    automated_detection: bool
    automated_decision: str
    content_type: tuple[str, ...]
    content_at: datetime
    language: str | None
    decided_by: str
    decided_at: datetime


moments = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
countries = st.sampled_from(["DE", "FR", "EL", "GR", "GB", "US", "NO", "*", "XX"])
kinds = st.sampled_from(["text", "image", "video", "CONTENT_TYPE_AUDIO", "poem"])
words = st.text(min_size=1, max_size=6000)
rows = st.builds(
    Row,
    id=st.from_regex(r"\Adec_[0-9a-z]{26}\Z"),
    account=st.none() | st.just("ACCOUNT-MARK"),
    subject=st.just("SUBJECT-MARK"),
    item=st.none() | st.just("ITEM-MARK"),
    outcome=st.sampled_from(OUTCOMES),
    harm=st.sampled_from([*HARMS, "made.up"]),
    clause_title=words,
    clause_text=words,
    facts=st.just("FACTS-MARK naming somebody"),
    ground=st.sampled_from(["terms", "law"]),
    ground_reference=words,
    scope=st.lists(countries, min_size=1, max_size=4).map(tuple),
    measure=st.sampled_from(get_args(Measure)),
    starts_at=st.none() | moments,
    until=st.none() | moments,
    source=st.sampled_from(["own_initiative", "report", "trusted_flagger", "order"]),
    automated_detection=st.booleans(),
    automated_decision=st.sampled_from(["fully", "partially", "not"]),
    content_type=st.lists(kinds, max_size=3).map(tuple),
    content_at=moments,
    language=st.none() | st.sampled_from(["en", "en-GB", "de", "xx", "gsw"]),
    decided_by=st.just("staff:DECIDER-MARK"),
    decided_at=moments,
)


@pytest.fixture(scope="module")
def schema(shared: Path) -> jsonschema.Draft202012Validator:
    text = (shared / "standards/dsa/sor-submission.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.fixture(scope="module")
def enumerations(shared: Path) -> dict:
    return json.loads((shared / "standards/dsa/sor-enumerations.json").read_text())


@given(row=rows)
def test_a_statement_is_due_exactly_for_restrictions_in_the_eea(row: Row) -> None:
    due = (
        row.outcome in RESTRICTIONS
        and row.source != "order"
        and bool({"*", "EL", *dsa.EEA} & set(row.scope))
    )
    assert (dsa.projection(row) is not None) == due


@given(row=rows)
def test_every_statement_validates_against_the_schema(
    schema: jsonschema.Draft202012Validator, row: Row
) -> None:
    statement = dsa.projection(row)
    if statement is not None:
        schema.validate(statement)


@given(row=rows)
def test_no_statement_names_anybody(row: Row) -> None:
    assert "MARK" not in json.dumps(dsa.projection(row))


@given(row=rows)
def test_what_the_statement_says_is_what_was_decided(row: Row) -> None:
    statement = dsa.projection(row)
    if statement is None:
        return
    assert (statement["automated_detection"] == "Yes") == row.automated_detection
    assert ("decision_account" in statement) == (row.outcome == "suspend")
    assert (statement["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT") == (
        row.ground == "law"
    )
    ends = [name for name in statement if name.startswith("end_date_")]
    assert len(ends) == (0 if row.until is None else 1)


def test_the_lists_are_those_of_the_database(enumerations: dict) -> None:
    assert sorted(dsa.EEA) == sorted(enumerations["territorial_scope_eea"])
    assert frozenset(enumerations["content_language"]) == dsa.LANGUAGES


def test_every_harm_has_its_place_in_the_tree(enumerations: dict) -> None:
    tree = enumerations["category_tree"]
    for harm in HARMS.values():
        keywords = {entry["keyword"] for entry in tree[harm.dsa_category]["keywords"]}
        assert harm.dsa_keyword in keywords, harm.code
