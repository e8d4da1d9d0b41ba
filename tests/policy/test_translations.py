"""Clauses in other languages: with the same anchors, and visibly missing where they are."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from policy_scene import errors_of, write

from openhaven.core import system
from openhaven.policy import clause_as_it_stood, find_pack, load, register
from openhaven.policy.commands import pack as commands
from openhaven.policy.folder import fingerprint
from openhaven.policy.shipped import shipped
from openhaven.storage import Database

LANGUAGES = {"de", "es", "fr", "it", "ja"}
OURS = Path(__file__).resolve().parents[2] / "src" / "openhaven" / "packs"
NAMES = sorted(name for name, folder in shipped().items() if folder.parent == OURS)
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


@pytest.mark.parametrize("name", NAMES)
def test_every_clause_we_ship_stands_in_the_languages_of_the_house(name: str) -> None:
    pack = load(find_pack(name))
    assert pack.warnings == ()
    for anchor, clause in pack.clauses.items():
        assert set(clause.texts) == LANGUAGES, anchor
        for language in LANGUAGES:
            said, spoken = clause.said_in(f"{language}-XX")
            assert spoken == language
            assert said.title != clause.title or len(said.title) < 5, (anchor, language)
            paragraphs = said.text.count("\n\n")
            assert paragraphs == clause.text.count("\n\n"), (anchor, language)
            if clause.ground == "terms":
                assert said.title in said.reference, (anchor, language)


@pytest.mark.parametrize("name", NAMES)
def test_a_word_that_changes_in_any_language_changes_the_fingerprint(name: str) -> None:
    pack = load(find_pack(name))
    prints = {pack.fingerprint}
    for language in sorted(LANGUAGES):
        file = f"policy.{language}.md"
        changed = pack.files[file].replace("\n\n", "\n\n– ", 1)
        prints.add(fingerprint({**pack.files, file: changed}))
    assert len(prints) == 1 + len(LANGUAGES)
