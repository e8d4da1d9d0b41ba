"""Clauses in other languages: with the same anchors, and visibly missing where they are."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from policy_scene import errors_of, write

from openhaven.core import system
from openhaven.policy import clause_as_it_stood, find_pack, load, register
from openhaven.policy.commands import pack as commands
from openhaven.storage import Database

KIND = """# Regeln

## Sei nett {#kind}
Ground: terms, die Regel „Sei nett“

Bitte sei nett.
"""


def test_a_clause_speaks_another_language(tmp_path: Path) -> None:
    clause = load(write(tmp_path, {"policy.de.md": KIND})).clauses["kind"]
    for asked, language, title in [
        ("de", "de", "Sei nett"),
        ("de-AT", "de", "Sei nett"),
        ("fr", "", "Be kind"),
        ("", "", "Be kind"),
    ]:
        said, spoken = clause.said_in(asked)
        assert (said.title, spoken) == (title, language)
    assert clause.text == "Please be kind."


def test_what_is_missing_in_a_translation_is_a_warning_and_is_seen(tmp_path: Path) -> None:
    pack = load(write(tmp_path, {"policy.de.md": KIND}))
    assert [str(one) for one in pack.warnings] == [
        "policy.de.md:1:1: The clause “spam” is missing in this translation."
    ]
    shown = CliRunner().invoke(commands, ["show", str(tmp_path), "--language", "de"]).output
    assert "Sei nett [kind] (terms: die Regel „Sei nett“)\nBitte sei nett." in shown
    assert "No spam [spam] (law: the law on spam)\n(not in de yet)\nPlease no spam." in shown


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (KIND.replace("#kind", "#kin"), "policy.md has no clause “kin”. Did you mean “kind”?"),
        (KIND.replace("terms,", "law,"), "In policy.md the ground of this clause is “terms”."),
        (KIND.replace(" {#kind}", ""), "A clause needs an anchor"),
    ],
)
def test_what_a_translation_may_not_be(tmp_path: Path, text: str, what: str) -> None:
    errors = [str(one) for one in errors_of(tmp_path, **{"policy.de.md": text})]
    assert any(one.startswith("policy.de.md:") and what in one for one in errors)


def test_a_translation_changes_the_fingerprint_and_is_kept(tmp_path: Path, db: Database) -> None:
    plain = load(write(tmp_path, {}))
    pack = load(write(tmp_path, {"policy.de.md": KIND}))
    assert plain.fingerprint != pack.fingerprint
    with db.begin(system("tests")) as tx:
        register(tx, pack)
        kept = clause_as_it_stood(tx, pack.fingerprint, "kind")
    assert kept.said_in("de")[0].text == "Bitte sei nett."


def test_the_pack_for_people_in_pain_speaks_german() -> None:
    pack = load(find_pack("starter"))
    assert pack.warnings == ()
    assert pack.clauses["here-to-help"].said_in("de-CH")[1] == "de"
    assert set(load(find_pack("self-harm-and-eating-disorders")).clauses["no-pushing"].texts) == {
        "de"
    }
