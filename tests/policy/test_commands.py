"""`openhaven pack …` as a person calls it."""

from pathlib import Path

from click.testing import CliRunner, Result
from policy_scene import RULE, write

from openhaven.policy.commands import pack

EXAMPLES = """- name: A bad word
  event: {kind: post.create, item: {text: "zorgblat"}}
  must_match: [one]
- name: No bad word
  event: {kind: post.create, item: {text: "good morning"}}
  must_not_match: any
"""


def call(*argv: str) -> Result:
    return CliRunner().invoke(pack, argv)


def test_check_a_sound_pack(tmp_path: Path) -> None:
    result = call("check", str(write(tmp_path, {"examples.yaml": EXAMPLES})))
    assert result.exit_code == 0
    assert "small 1.2.3 is sound: 2 clauses, 1 rules, 3 lists." in result.output
    assert "sha256:" in result.output


def test_check_prints_each_mistake_with_a_caret_and_exits_1(tmp_path: Path) -> None:
    result = call("check", str(write(tmp_path, {"rules.yaml": RULE.replace("bad", "bat")})))
    assert result.exit_code == 1
    assert result.stdout == (
        "rules.yaml:4:14: There is no name “terms.bat”. Did you mean “terms.bad”?\n"
        "      when: terms.bat\n"
        "                 ^\n"
    )
    assert "The pack has a mistake." in result.stderr


def test_check_reads_the_examples_too(tmp_path: Path) -> None:
    broken = EXAMPLES.replace("[one]", "[ones]").replace("post.create", "post.made", 1)
    result = call("check", str(write(tmp_path, {"examples.yaml": broken})))
    assert result.exit_code == 1
    assert "examples.yaml:2:17: “kind” is never “post.made”." in result.stdout
    unknown = EXAMPLES.replace("[one]", "[ones]").replace("must_not_match: any", "topic: news")
    result = call("check", str(write(tmp_path, {"examples.yaml": unknown})))
    assert "There is no rule “ones”. Did you mean “one”?" in result.stdout
    assert "An example says must_match, must_not_match or outcome." in result.stdout


def test_test_runs_the_examples_through_the_real_signals(tmp_path: Path) -> None:
    result = call("test", str(write(tmp_path, {"examples.yaml": EXAMPLES})))
    assert (result.exit_code, result.output) == (0, "2 of 2 examples hold.\n")


def test_test_names_the_example_that_does_not_hold(tmp_path: Path) -> None:
    wrong = EXAMPLES.replace("good morning", "what a z0rgblat")
    result = call("test", str(write(tmp_path, {"examples.yaml": wrong})))
    assert result.exit_code == 1
    assert result.output == (
        "examples.yaml:4:3: No bad word: “one” matches and should not\n1 of 2 examples hold.\n"
    )


def test_show_and_list_the_shipped_pack() -> None:
    shown = call("show")
    assert shown.exit_code == 0
    assert "Leave children in peace [children-in-peace]" in shown.output
    assert "demo-word-to-remove: remove: terms.demo_remove" in shown.output
    assert "starter\t" in call("list").output


def test_a_pack_that_is_not_there() -> None:
    result = call("check", "startr")
    assert result.exit_code == 1
    assert "Did you mean “starter”?" in str(result.exception)
