"""A pack may include others: one set of files, one fingerprint, each mistake at its place."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from policy_scene import FILES, MANIFEST, POLICY, RULE, event, found, write

from openhaven.core import system
from openhaven.policy import (
    BrokenPack,
    Pack,
    clause_as_it_stood,
    load,
    measure_with,
    pack_as_it_stood,
    register,
    run_examples,
)
from openhaven.policy.commands import pack as commands
from openhaven.policy.load import load_texts
from openhaven.storage import Database

INNER = {
    "inner/pack.toml": MANIFEST.replace('"small"', '"inner"'),
    "inner/policy.md": POLICY.replace("#kind", "#inner-kind").replace("#spam", "#inner-spam"),
    "inner/rules.yaml": RULE.replace("id: one", "id: inner-one")
    .replace("kind", "inner-kind")
    .replace("bad", "inner_bad"),
    "inner/terms/inner_bad.txt": "grumblefitz\n",
    "inner/examples.yaml": "- {name: A, event: {kind: post.create}, must_not_match: any}\n",
}


def including(*names: str, of: str = MANIFEST) -> str:
    return of + f"include = {list(names)!r}\n".replace("'", '"')


def both(folder: Path, **changed: str | None) -> Path:
    files = {
        name.replace("__", "/").replace("_toml", ".toml"): one for name, one in changed.items()
    }
    return write(folder, {**INNER, "pack.toml": including("inner"), **files})


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(BrokenPack) as told:
        load(folder)
    return [str(one) for one in told.value.errors]


def test_rules_clauses_and_lists_of_both_are_in_force(tmp_path: Path) -> None:
    pack = load(both(tmp_path))
    assert list(pack.clauses) == ["inner-kind", "inner-spam", "kind", "spam"]
    assert [rule.id for rule in pack.rules] == ["inner-one", "one"]
    assert pack.origins == {"inner-one": "inner/rules.yaml", "one": "rules.yaml"}
    assert set(pack.term_lists) == {"bad", "worse", "inner_bad"}
    verdict = pack.evaluate(event(), [found("bad"), found("inner_bad")])
    assert {one.rule for one in verdict.reasons} == {"one", "inner-one"}


def test_the_fingerprint_covers_what_is_included(tmp_path: Path) -> None:
    before = load(both(tmp_path))
    (tmp_path / "inner" / "terms" / "inner_bad.txt").write_text("grumblefitz\nsnarkwibble\n")
    after = load(tmp_path)
    assert before.fingerprint != after.fingerprint
    assert load_texts(after.files).fingerprint == after.fingerprint


def test_a_pack_may_be_nothing_but_what_it_includes(tmp_path: Path) -> None:
    files = dict.fromkeys(FILES) | INNER | {"pack.toml": including("inner")}
    assert [rule.id for rule in load(write(tmp_path, files)).rules] == ["inner-one"]


def test_an_installed_pack_is_found_by_its_name(tmp_path: Path) -> None:
    pack = load(write(tmp_path, {"pack.toml": including("self-harm-and-eating-disorders")}))
    assert pack.origins["somebody-in-pain"] == "self-harm-and-eating-disorders/rules.yaml"


def test_a_copy_within_the_pack_comes_before_the_installed_one(tmp_path: Path) -> None:
    mine = {name.replace("inner/", "child-safety/", 1): text for name, text in INNER.items()}
    mine["child-safety/pack.toml"] = MANIFEST.replace('"small"', '"child-safety"')
    pack = load(write(tmp_path, {**mine, "pack.toml": including("child-safety")}))
    assert "inner-one" in pack.origins
    assert "known-child-abuse" not in pack.origins


def test_what_two_include_is_there_once(tmp_path: Path) -> None:
    other = {
        "other/pack.toml": including("inner", of=MANIFEST.replace('"small"', '"other"')),
    }
    pack = load(write(tmp_path, {**INNER, **other, "pack.toml": including("other", "inner")}))
    assert [rule.id for rule in pack.rules] == ["inner-one", "one"]


def test_a_mistake_is_told_in_the_file_it_stands_in(tmp_path: Path) -> None:
    wrong = INNER["inner/rules.yaml"].replace("inner_bad", "inner_bat")
    (one,) = mistakes(both(tmp_path, **{"inner/rules.yaml": wrong}))
    assert one.startswith("inner/rules.yaml:4:14: There is no name “terms.inner_bat”.")


def test_examples_of_both_are_run_and_named(tmp_path: Path) -> None:
    wrong = "- {name: A, event: {kind: post.create}, must_match: [one]}\n"
    pack: Pack = load(both(tmp_path, **{"inner/examples.yaml": wrong}))
    (tried,) = [one for one in run_examples(pack, measure_with(pack)) if one.fault]
    assert tried.place.file == "inner/examples.yaml"


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("iner",), "pack.toml:7:21: There is no pack “iner” to include. Did you mean “inner”?"),
        (("nowhere-at-all",), "pack.toml:7:21: There is no pack “nowhere-at-all” to include."),
        (("../inner",), "pack.toml:7:1: “../inner” is not what “include” can be."),
        (("terms",), "pack.toml:7:1: “terms” is not what “include” can be."),
    ],
)
def test_what_cannot_be_included(tmp_path: Path, names: tuple[str, ...], what: str) -> None:
    assert what in mistakes(both(tmp_path, pack_toml=including("inner", *names)))[0]


def test_a_circle_is_refused_with_its_way(tmp_path: Path) -> None:
    inner = including("other", of=INNER["inner/pack.toml"])
    other = including("inner", of=MANIFEST.replace('"small"', '"other"'))
    folder = both(tmp_path, inner__pack_toml=inner, other__pack_toml=other)
    assert mistakes(folder) == [
        "other/pack.toml:7:12: A pack cannot include itself, here by this way: "
        "inner → other → inner."
    ]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"inner/rules.yaml": INNER["inner/rules.yaml"].replace("inner-one", "one")},
         "rules.yaml:1:7: There is another rule “one” in inner/rules.yaml."),
        ({"inner/policy.md": INNER["inner/policy.md"].replace("inner-spam", "spam")},
         "policy.md:8:12: The clause “spam” stands in inner/policy.md, too."),
        ({"inner/terms/bad.txt": "grumblefitz\n"}, "There is another list “terms.bad”"),
        ({"inner/pack.toml": MANIFEST}, "This pack is included as “inner”"),
        ({"inner/policy.md": None}, "inner/policy.md:1:1: This file is missing from the pack."),
        ({"pack.toml": MANIFEST}, "inner/pack.toml:1:1: Nothing includes this pack."),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(
    tmp_path: Path, changed: dict[str, str | None], what: str
) -> None:
    assert any(what in one for one in mistakes(both(tmp_path, **changed)))


def test_files_of_nothing_that_is_included_are_refused_in_a_set_of_files(tmp_path: Path) -> None:
    with pytest.raises(BrokenPack, match="mistake"):
        load_texts({**load(both(tmp_path)).files, "stray/rules.yaml": "[]"})


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("notes.txt", "x", "This is no file of a pack."),
        ("terms/in.txt", "zork", "“in” is a word of the rule language"),
        ("terms/Bad-x.txt", "zork", "A list has a name of small letters and underscores"),
        ("terms/deep/er.txt", "zork", "A list has a name of small letters and underscores"),
        ("rules.yaml", RULE + "# turned \u202e round\n", "cannot be seen and may make a line read"),
        ("inner/policy.md", POLICY + "\u202e", "cannot be seen and may make a line read"),
    ],
)
def test_a_set_of_files_is_checked_as_a_folder_is(
    tmp_path: Path, file: str, text: str, what: str
) -> None:
    """A draft was never in a folder, and what a second person reads must be what is there."""
    with pytest.raises(BrokenPack) as told:
        load_texts({**load(both(tmp_path)).files, file: text})
    assert any(one.file == file and what in one.message for one in told.value.errors)


def test_it_is_kept_and_shown_as_it_stood(tmp_path: Path, db: Database) -> None:
    pack = load(both(tmp_path))
    with db.begin(system("tests")) as tx:
        register(tx, pack)
        assert clause_as_it_stood(tx, pack.fingerprint, "inner-kind") == pack.clauses["inner-kind"]
        assert pack_as_it_stood(tx, pack.fingerprint).fingerprint == pack.fingerprint


def test_show_says_what_comes_from_where(tmp_path: Path) -> None:
    shown = CliRunner().invoke(commands, ["show", str(both(tmp_path))]).output
    assert "It includes inner." in shown
    assert "  inner-one (from inner): review: terms.inner_bad" in shown
    assert "  one: review: terms.bad" in shown
