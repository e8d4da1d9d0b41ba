"""Every mistake in a pack is said at its place, with a caret, and what was probably meant."""

from pathlib import Path

import pytest
from policy_scene import POLICY, RULE, errors_of, rule, write

from openhaven.policy import BrokenPack, load


def only(folder: Path, **changed: str | bytes | None) -> str:
    """Return the one mistake, as people see it."""
    (error,) = errors_of(folder, **changed)
    return error.rendered()


def test_a_misspelt_name_has_a_caret_and_a_suggestion(tmp_path: Path) -> None:
    assert only(tmp_path, rules_yaml=RULE.replace("terms.bad", "account.age_dayz < 3")) == (
        "rules.yaml:4:16: There is no name “account.age_dayz”. Did you mean “account.age_days”?\n"
        "      when: account.age_dayz < 3\n"
        "                   ^"
    )


def test_the_caret_is_right_in_folded_text(tmp_path: Path) -> None:
    folded = RULE.replace("terms.bad", ">-\n    terms.bad\n    &&   terms.bat")
    error = errors_of(tmp_path, rules_yaml=folded)[0]
    assert (error.line, error.column) == (6, 15)
    assert "“terms.bad”?" in error.message


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("account.age_days < 'three'", "“<” does not work with int and string."),
        ("terms.bad &&", "This cannot be read: mismatched input '<EOF>'."),
        ("account.age_days", "A condition must be true or false; this is of type int."),
        ("context.vip", "this is of type dyn"),
        ("accuont.country == 'GB'", "Did you mean “account.country”?"),
        ("item.text.contians('a')", "Did you mean “contains”?"),
        ("account.age_band == '13-16'", "account.age_band is never “13-16”. Did you mean “13-15”?"),
        ("target.age_band in ['adult']", "target.age_band is never “adult”."),
        ("event.kind == 'post.creat'", "Did you mean “post.create”?"),
        ("'knwon' in banks.positive", "banks.positive is never “knwon”. Did you mean “known”?"),
        ("'far-away' in banks.positive", "List the bank under `banks` in pack.toml."),
        ("'csam' in banks.harms", "banks.harms is never “csam”. Did you mean “csam.known”?"),
        ("report.category == 'rude'", "report.category is never “rude”."),
        ("аccount.age_days < 3", "“а” is U+0430 CYRILLIC SMALL LETTER A"),
        (f"{'(' * 40}terms.bad{')' * 40}", "nested too deeply"),
        (f"item.text == '{'a' * 5000}'", "at most 4000 characters"),
        ("item.text.matches('(a')", "This pattern is not one that runs in linear time (RE2)"),
        (r"item.text.matches('(a)\\1')", "RE2"),
        ("item.text.matches('(?=a)b')", "RE2"),
        ("item.text.matches('((a{1000}){1000}){1000}')", "RE2"),
        ("item.text.matches(item.language)", "must stand in quotes"),
        ("[1].all(a, banks.positive.exists(b, b == 'known'))", "A loop stands inside another one"),
        ("matches(item.text, item.type)", "must stand in quotes"),
    ],
)
def test_conditions_that_cannot_be(tmp_path: Path, when: str, said: str) -> None:
    shown = only(tmp_path, rules_yaml=rule(when))
    assert said in shown
    assert shown.startswith("rules.yaml:5:")
    assert shown.endswith("^")


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("  clause: kind\n", "", "1:3", "Here “clause” is missing."),
        ("clause: kind", "clause: kin", "2:11", "no clause “kin”. Did you mean “kind”?"),
        ("clause: kind", "clauses: kind", "2:3", "“clauses” here. Did you mean “clause”?"),
        ("harm: harassment", "harm: harrassment", "5:33", "Did you mean “harassment”?"),
        ("outcome: review", "outcome: suspend", "5:19", "No rule takes an account away."),
        ("outcome: review", "outcome: reveiw", "5:19", "Did you mean “review”?"),
        ("post.create", "post.created", "3:8", "“on” is never “post.created”. Did you mean"),
        ("[post.create]", "post.create", "3:7", "Here stands text; it should be a list."),
        ("[post.create]", "[]", "3:7", "length >= 1"),
        ("terms.bad", "[terms.bad]", "4:9", "Here stands a list; it should be text."),
        ("id: one", "id: One!", "1:7", "digits and hyphens, and has at most 63. Here stands U+"),
        ("id: one", "id: оne", "1:7", "Here stands U+043E CYRILLIC SMALL LETTER O"),
        ("{outcome", "{severity: 5, outcome", "5:20", "<= 4"),
        ("{outcome", "{days: soon, outcome", "5:16", "it should be a whole number or nothing."),
        ("outcome: review", "outcome: restrict", "5:9", "A rule restricts for a number of `days`"),
        ("{outcome", "{days: 3, outcome", "5:16", "“review” takes nothing away"),
        ("{outcome", "{outcom: allow, outcome", "5:10", "Did you mean “outcome”?"),
        ("harassment", "from-report", "5:33", "Only a rule on report.create alone"),
        ("harassment", "from-bank", "5:33", "Only a rule on banks.positive or banks.harms"),
        ("harm:", "help: [suicid], harm:", "5:34", "Did you mean “suicide”?"),
        ("  then:", "  mode: shadwo\n  then:", "5:9", "Did you mean “shadow”?"),
        ("  then:", "  unknown: allow\n  then:", "5:12", "one of: hold, ignore, review."),
        ("  then:", "  id: two\n  then:", "5:3", "The key “id” stands here twice."),
        ("  then:", "   then:", "5:8", "YAML cannot be read here"),
        ("id: one", "id: &a one", "1:7", "Anchors (&) and aliases (*) are not used"),
        ("id: one", "id: !!python/name:os.system one", "1:7", "Tags (!) are not used"),
        ("[post.create]", "[" * 30 + "]" * 30, "3:26", "nested deeper than 20"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be(
    tmp_path: Path, before: str, after: str, place: str, said: str
) -> None:
    assert before in RULE
    shown = only(tmp_path, rules_yaml=RULE.replace(before, after, 1))
    assert shown.startswith(f"rules.yaml:{place}: "), shown
    assert said in shown


def test_two_rules_of_the_same_name(tmp_path: Path) -> None:
    assert "rules.yaml:6:7: There is another rule “one” above." in only(
        tmp_path, rules_yaml=RULE + RULE
    )


def test_a_bank_to_investigate_leads_to_a_look_and_nothing_else(tmp_path: Path) -> None:
    when = "size(banks.investigate) > 0"
    then = {"outcome": "remove", "harm": "other"}
    assert "the outcome must be “review”" in only(tmp_path, rules_yaml=rule(when, then=then))
    hidden = "true || banks . investigate.exists(b, b != '')"
    assert "the outcome must be “review”" in only(tmp_path, rules_yaml=rule(hidden, then=then))


def test_all_mistakes_are_told_at_once_in_their_order(tmp_path: Path) -> None:
    rules = rule("terms.bat", id="a") + rule("terms.bad", id="b", clause="none")
    errors = errors_of(tmp_path, rules_yaml=rules, policy_md=POLICY.replace("law,", "lore,"))
    assert [(error.file, error.line) for error in errors] == [
        ("policy.md", 9),
        ("rules.yaml", 5),
        ("rules.yaml", 7),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = \n", "TOML cannot be read here"),
        ("name = 'small'\n", "missing required field `version`"),
        ("nmae = 'small'\n", "Did you mean “name”?"),
        ("name = " + "[" * 100_000, "nested too deeply"),
        ("name = 1\n", "Expected `str`, got `int`"),
    ],
)
def test_a_manifest_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    assert said in only(tmp_path, pack_toml=text)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("## Be kind {#kind}", "## Be kind", "A clause needs an anchor"),
        ("{#kind}", "{#Kind!}", "A clause needs an anchor"),
        ("{#spam}", "{#kind}", "stands here twice"),
        ("Ground: law, the law on spam\n", "", "A clause needs one line"),
        ("law, the law on spam", "law", "The ground is “terms” or “law”"),
        ("Please no spam.", "", "A clause needs a title and a text"),
    ],
)
def test_clauses_that_cannot_be(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in POLICY
    shown = "\n".join(
        e.rendered() for e in errors_of(tmp_path, policy_md=POLICY.replace(before, after, 1))
    )
    assert said in shown


def test_text_that_cannot_be_seen_is_refused_and_shown_by_number(tmp_path: Path) -> None:
    shown = only(tmp_path, rules_yaml=RULE.replace("terms.bad", "terms.bad\u202e"))
    assert shown.startswith("rules.yaml:4:18: U+202E RIGHT-TO-LEFT OVERRIDE cannot be seen")
    assert "\\u202e" in shown
    assert "\u202e" not in shown
    assert "ZERO WIDTH SPACE" in only(tmp_path, rules_yaml=RULE.replace("one", "o\u200bne"))


def test_a_long_line_is_cut_around_the_caret(tmp_path: Path) -> None:
    long = f"item.text == '{'x' * 2000}' && terms.bat"
    lines = only(tmp_path, rules_yaml=rule(long)).split("\n")
    assert len(lines) == 3
    assert len(lines[1]) < 120
    assert "terms" in lines[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rule.yaml": RULE}, "rule.yaml:1:1: This is no file of a pack. Did you mean"),
        ({"policy.md": None}, "policy.md:1:1: This file is missing from the pack."),
        ({"terms/Bad-List.txt": "a\n"}, "A list has a name of small letters and underscores"),
        ({"terms/in.txt": "a\n"}, "“in” is a word of the rule language"),
        ({"terms/bad.txt": "# nothing\n"}, "This list is empty"),
        ({"terms/bad.txt": "...\n"}, "An entry needs a letter or a digit"),
        ({"links/tricks.txt": "not a link\n"}, "A link is a name such as “example.com”"),
        ({"rules.yaml": b"\xff\xfe"}, "This is not UTF-8 text (byte 0)."),
        ({"rules.yaml": "a\x00b"}, "U+0000"),
        ({"rules.yaml": ""}, "a list of 1 to 5,000 rules"),
        ({"rules.yaml": "rules: {}"}, "a list of 1 to 5,000 rules"),
        ({"rules.yaml": "- 1\n"}, "Here stands a whole number; it should be a block of keys."),
        ({"rules.yaml": RULE + "---\n" + RULE}, "A file holds one document"),
    ],
)  # fmt: skip
def test_files_that_cannot_be(tmp_path: Path, changed: dict[str, str | None], said: str) -> None:
    with pytest.raises(BrokenPack) as caught:
        load(write(tmp_path, {**changed}))
    assert said in caught.value.detail
    assert caught.value.next_step


def test_a_pack_holds_no_links_to_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("password\n")
    folder = write(tmp_path / "pack", {})
    (folder / "terms" / "leak.txt").symlink_to(outside)
    with pytest.raises(BrokenPack, match="plain files"):
        load(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(BrokenPack, match="A pack is a folder"):
        load(tmp_path / "nowhere")


def test_a_yaml_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a: &a [x,x]\n" + "".join(f"b{i}: &b{i} [*a,*a]\n" for i in range(50))
    assert "are not used in packs" in only(tmp_path, rules_yaml=bomb)
