"""The shipped packs keep the house's promises: help before punishment, people before machines."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from openhaven.core import HARMS
from openhaven.policy import Pack, Tried, find_pack, load, measure_with, run_examples
from openhaven.policy.examples import Topic
from openhaven.policy.shipped import shipped

OURS = Path(__file__).resolve().parents[2] / "src" / "openhaven" / "packs"
NAMES = sorted(name for name, folder in shipped().items() if folder.parent == OURS)
CARE = {"suicide", "self_harm", "eating_disorder"}
OF_THINGS = {"spam", "other"}
PACKS: dict[str, Pack] = {}

packs = pytest.mark.parametrize("name", NAMES)


def pack_of(name: str) -> Pack:
    return PACKS.setdefault(name, load(find_pack(name)))


def own_examples(name: str) -> list[dict[str, Any]]:
    """Return the examples of a pack itself, without those of the packs that it includes."""
    found: list[dict[str, Any]] = yaml.safe_load(pack_of(name).files["examples.yaml"])
    return found


def own_rules(name: str) -> list[Any]:
    return [one for one in pack_of(name).rules if "/" not in pack_of(name).origins[one.id]]


def tried(name: str) -> list[Tried]:
    pack = pack_of(name)
    return run_examples(pack, measure_with(pack))


def free(example: dict[str, Any], rule: str) -> bool:
    """Say whether it is an example in which this rule must not match."""
    barred = example.get("must_not_match", ())
    return barred == "any" or rule in barred


def test_all_that_the_folder_holds_is_installed() -> None:
    folders = {path.parent.name.replace("_", "-") for path in OURS.glob("*/pack.toml")}
    assert folders == set(NAMES)
    assert set(pack_of("starter").manifest.include) == folders - {"starter"}


@packs
def test_every_example_holds_through_the_real_signals(name: str) -> None:
    assert [f"{one.place}: {one.fault}" for one in tried(name) if one.fault] == []


@packs
def test_what_must_stay_free_to_say_is_among_the_examples(name: str) -> None:
    freed = {one.get("topic") for one in own_examples(name) if one.get("must_not_match") == "any"}
    assert freed - {None} == set(get_args(Topic))


@packs
def test_every_rule_has_examples_of_what_it_means_and_of_what_it_does_not(name: str) -> None:
    examples = own_examples(name)
    for rule in own_rules(name):
        seen = [one for one in examples if one["event"]["kind"] in rule.on]
        assert any(rule.id in one.get("must_match", ()) for one in seen), rule.id
        assert any(free(one, rule.id) for one in seen), rule.id


@packs
def test_nothing_is_listed_or_counted_that_no_rule_reads(name: str) -> None:
    pack = pack_of(name)
    read = {one for compiled in pack.compiled for one in compiled.condition.names}
    assert {f"terms.{one}" for one in pack.term_lists} <= read
    assert {f"links.{one}" for one in pack.link_lists} <= read
    # What is counted for signs of behaviour comes along with the signs, and only then.
    own = {one.name for one in pack.counters if not one.name.startswith("behaviour.")}
    assert own <= {one.split(".")[1] for one in read if "." in one}
    signs = any(one.startswith("behaviour.") for one in read)
    assert signs == (len(own) < len(pack.counters))


@packs
def test_pain_is_never_punished(name: str) -> None:
    for rule in pack_of(name).rules:
        if rule.then.harm in CARE or rule.clause in ("here-to-help", "no-pushing"):
            assert rule.then.outcome in ("allow", "review"), rule.id
            assert rule.then.help, rule.id
            assert rule.then.queue == "care" or rule.then.outcome == "allow", rule.id


@packs
def test_a_rule_that_only_shows_help_names_who_can_help(name: str) -> None:
    for rule in pack_of(name).rules:
        if rule.then.outcome == "allow":
            assert rule.then.help, rule.id


@packs
def test_words_alone_never_take_anything_down_but_the_made_up_ones(name: str) -> None:
    for compiled in pack_of(name).compiled:
        rule, names = compiled.rule, compiled.condition.names
        if rule.then.outcome in ("remove", "block") and not rule.id.startswith("demo-"):
            assert all(one.startswith(("banks.", "links.")) for one in names), rule.id


@packs
def test_nobody_is_restricted_for_one_reason_alone_or_for_long(name: str) -> None:
    for compiled in pack_of(name).compiled:
        if compiled.rule.then.outcome == "restrict":
            assert len(compiled.condition.names) >= 2, compiled.rule.id
            assert compiled.rule.then.days is not None, compiled.rule.id
            assert compiled.rule.then.days <= 3, compiled.rule.id


@packs
def test_counts_alone_are_only_recorded_or_looked_at(name: str) -> None:
    for compiled in pack_of(name).compiled:
        if any(one.startswith("counters.") for one in compiled.condition.names):
            assert compiled.rule.then.outcome == "review", compiled.rule.id


@packs
def test_who_is_hurt_is_told_who_can_help(name: str) -> None:
    for rule in pack_of(name).rules:
        harm = HARMS.get(rule.then.harm)
        if harm is not None and harm.code not in OF_THINGS:
            assert rule.then.help or harm.help, rule.id


@packs
def test_harms_are_those_of_the_crosswalk(name: str, shared: Path) -> None:
    rows = json.loads((shared / "standards/taxonomy/crosswalk.json").read_text("utf-8"))["rows"]
    categories = {row["harm"]: (row["dsa_category"], row["dsa_keyword"]) for row in rows}
    for code in {rule.then.harm for rule in pack_of(name).rules} & HARMS.keys() - {"other"}:
        harm = HARMS[code]
        assert categories[code] == (harm.dsa_category, harm.dsa_keyword)


@packs
def test_lists_are_short_and_say_what_they_are(name: str) -> None:
    for file, text in pack_of(name).files.items():
        if file.rpartition("/")[0].endswith(("terms", "links")):
            assert text.startswith("# "), file
            assert len([one for one in text.splitlines() if not one.startswith("#")]) <= 20, file


@packs
def test_no_term_is_a_single_word_but_the_made_up_and_the_hidden_ones(name: str) -> None:
    for of, terms in pack_of(name).term_lists.items():
        for term in terms:
            assert " " in term or of.startswith("demo_") or term.startswith("sha256:"), (of, term)


@packs
def test_a_pack_says_which_language_it_reads(name: str) -> None:
    assert pack_of(name).manifest.languages == ("en",)
    assert "in English only" in pack_of(name).files["pack.toml"]


def grade(text: str) -> float:
    """Return the school year in which a text can be read (Flesch–Kincaid)."""
    sentences = [one for one in re.split(r"[.?!:]\s", text + " ") if one.strip()]
    words = re.findall(r"[A-Za-z’']+", text)
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", w.lower()))) for w in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


@packs
def test_clauses_are_plain(name: str) -> None:
    """An eleven- or twelve-year-old reads them (grade 7 at most), and nobody is accused."""
    for clause in pack_of(name).clauses.values():
        assert grade(clause.text) <= 7.5, f"{clause.anchor}: grade {grade(clause.text):.1f}"
        assert max(len(one.split()) for one in re.split(r"[.?!]\s", clause.text)) <= 35
        assert not re.search(r"(?i)offend|perpetrat|violat|guilty|criminal|\bvictim", clause.text)
