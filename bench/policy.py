"""`python -m bench.policy`: how fast packs are compiled and events judged by many rules.

Each rule has four conditions (an equality, two comparisons of whole numbers, a regular expression
of three alternatives over a text of 20 words), each of them true for half the events. The last line
is one JSON object. `end_to_end` is `make bench` with 100 rules, whose words are rare as in real
life, and 20 counters, each of them read by five of the rules.
"""

import argparse
import gc
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench import tree
from bench.load import quantile, rounds
from bench.receiver import receiving
from openhaven.intake.model import Event
from openhaven.policy import Pack, load

_SIZES = (1, 10, 100, 500, 1000)
_BATCH = 100
_MANIFEST = """name = "bench"
version = "1.0.0"
owner = "The benchmark"
languages = ["en"]
jurisdictions = ["*"]
"""
_POLICY = """# Rules

## Be kind {#kind}
Ground: terms, the rule “Be kind”

Please be kind.
"""
# Of 87 words, three stand in a text of twenty with a chance of one half.
_SYLLABLES = [one + other for one in "bdfgklmnprst" for other in "aeiou"]
_WORDS = [f"{one}{other}mir" for one, other in zip(_SYLLABLES, _SYLLABLES[7:], strict=False)]
_WORDS += [f"{one}{other}dol" for one, other in zip(_SYLLABLES, _SYLLABLES[11:], strict=False)]
_WORDS = _WORDS[:87]
_COUNTRIES = ("DE", "FR")
_KINDS = ["post.create", "comment.create", "message.send"]


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make bench-policy", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds for each size")
    parser.add_argument("--line", type=int, default=6_000, help="events end to end; 0 for none")
    given = parser.parse_args()
    figures: dict[str, Any] = {"rules": {}}
    for count in _SIZES:
        figures["rules"][str(count)] = _measure(_rules(count), given.seconds)
        _say(f"{count} rules", figures["rules"][str(count)])
    few, many = _rules(50), _rules(50) + _rules(950, "message.send", first=50)
    alone, among = _interleaved([few, many], given.seconds)
    figures["relevant_50"] = alone
    figures["relevant_50_of_1000"] = among
    _say("50 rules", alone)
    _say("50 of 1000 rules", among)
    if given.line:
        figures["end_to_end"] = _end_to_end(given.line)
        _say("end to end", figures["end_to_end"])
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _rules(count: int, kind: str = "post.create", first: int = 0) -> list[dict[str, Any]]:
    """Return rules `first` and following, each made from its number alone."""
    made = []
    for number in range(first, first + count):
        chance = random.Random(number)  # noqa: S311 (nothing secret about it)
        words = "|".join(chance.sample(_WORDS, 3))
        country, days, score = chance.choice(_COUNTRIES), number % 40 - 20, number % 30 - 15
        made.append({
            "id": f"rule-{number}",
            "clause": "kind",
            "on": [kind],
            "when": f'account.country == "{country}" && account.age_days < {500 + days} && '
                    f'context.score > {500 + score} && item.text.matches("{words}")',
            "then": {"outcome": "review", "harm": "harassment"},
        })  # fmt: skip
    return made


def _counters() -> dict[str, dict[str, Any]]:
    """Return 20 counters: ten of accounts, three each of pairs and devices, two of links, texts."""
    windows = ["1h", "1d", "7d"]
    each: list[dict[str, Any]] = [
        {"count": "events", "by": "account.id", "in": windows},
        {"count": "events", "by": "account.id", "in": windows, "where": "size(item.text) > 60"},
        {"count": "events", "by": "account.id", "in": ["10m", "1h"]},
        {"distinct": "text", "by": "account.id", "in": windows},
        {"distinct": "link.host", "by": "account.id", "in": windows},
        {"distinct": "target.account.id", "by": "account.id", "in": windows},
        {"distinct": "conversation.id", "by": "account.id", "in": windows},
        {"rate": "1m", "by": "account.id", "in": ["1h"]},
        {"first-seen": "hours", "by": "account.id"},
        {"time-since": "seconds", "by": "account.id"},
        *({"count": "events", "by": "pair", "in": [one]} for one in windows),
        {"count": "events", "by": "device.id", "in": windows},
        {"distinct": "account.id", "by": "device.id", "in": windows},
        {"rate": "1h", "by": "device.id", "in": ["1d"]},
        {"distinct": "account.id", "by": "link", "in": windows},
        {"distinct": "account.id", "by": "link.host", "in": windows},
        {"distinct": "account.id", "by": "text", "in": ["1h", "1d"]},
        {"count": "events", "by": "text", "in": ["1h"]},
    ]
    return {f"counter_{number}": {**one, "on": _KINDS} for number, one in enumerate(each)}


def _fields(counters: dict[str, dict[str, Any]]) -> list[str]:
    """Return one name that rules read for each of the counters, and a comparison that fails."""
    fields = []
    for name, one in counters.items():
        if "first-seen" in one or "time-since" in one:
            # Of who is new there is none, and that must not be a match.
            fields.append(f"counters.{name}.known && counters.{name} > 1000000000")
            continue
        more = "1000000.0" if "rate" in one else "1000000"
        fields.append(f"counters.{name}.in_{one['in'][-1]} > {more}")
    return fields


def _quiet_rules(count: int, fields: Sequence[str]) -> list[dict[str, Any]]:
    """Return rules for the events of `bench.texts`: three conditions hold half the time, and the
    words are those of one event in a hundred, since people do not look at every sixth event; or
    it is a counter that stands at more than it can."""
    return [
        {
            "id": f"rule-{number}",
            "clause": "kind",
            "on": _KINDS,
            "when": f'account.country {"=!"[number % 2]}= "" && account.age_days > {480 + number} '
                    f'&& size(item.text) < {80 + number} && '
                    f'(item.text.matches("zorgblat|word{number}x|word{number}y")'
                    f' || {fields[number % len(fields)]})',
            "then": {"outcome": "review", "harm": "harassment"},
        }
        for number in range(count)
    ]  # fmt: skip


def _events(count: int) -> list[Event]:
    """Return events for which each condition of a rule holds with a chance of one half."""
    chance = random.Random(0)  # noqa: S311 (nothing secret about it)
    made = []
    for number in range(count):
        day = 1 + chance.randrange(28)
        account = {
            "id": f"a{number}",
            "country": chance.choice(_COUNTRIES),
            "created_at": f"{chance.choice((2024, 2025))}-02-{day:02}T00:00:00Z",
        }
        text = " ".join(chance.choice(_WORDS) for _ in range(20))
        event = {"id": f"e{number}", "kind": "post.create", "at": "2026-01-31T12:00:00Z",
                 "account": account, "item": {"id": f"i{number}", "text": text},
                 "context": {"score": chance.randrange(1000)}}  # fmt: skip
        made.append(msgspec.convert(event, Event))
    return made


@contextmanager
def _folder(
    rules: Sequence[dict[str, Any]], counters: dict[str, dict[str, Any]] | None = None
) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pack.toml").write_text(_MANIFEST)
        (folder / "policy.md").write_text(_POLICY)
        lines = [f"- {json.dumps(rule)}\n" for rule in rules]
        (folder / "rules.yaml").write_text("".join(lines))
        if counters:
            (folder / "counters.yaml").write_text(json.dumps(counters))
        yield folder


def _loaded(rules: Sequence[dict[str, Any]]) -> tuple[Pack, float]:
    """Return the pack of these rules, and the seconds from its files to a pack in force."""
    with _folder(rules) as folder:
        began = time.perf_counter()
        pack = load(folder)
        return pack, time.perf_counter() - began


def _measure(rules: Sequence[dict[str, Any]], seconds: float) -> dict[str, float]:
    return _interleaved([rules], seconds)[0]


def _interleaved(
    packs: Sequence[Sequence[dict[str, Any]]], seconds: float
) -> list[dict[str, float]]:
    """Measure packs in turns, batch by batch, so that a busy machine hurts all of them alike."""
    loaded = [_loaded(rules) for rules in packs]
    events = _events(20 * _BATCH)
    taken: list[list[float]] = [[] for _ in packs]
    batches: list[list[float]] = [[] for _ in packs]
    for pack, _ in loaded:
        for event in events[:_BATCH]:
            pack.evaluate(event, ())
    gc.freeze()
    ends, at = time.perf_counter() + seconds * len(packs), 0
    while time.perf_counter() < ends:
        batch = events[at : at + _BATCH]
        at = (at + _BATCH) % len(events)
        for place, (pack, _) in enumerate(loaded):
            batches[place].append(_judge(pack, batch, taken[place]))
    gc.unfreeze()
    return [
        _figures(compile_s, times, whole)
        for (_, compile_s), times, whole in zip(loaded, taken, batches, strict=True)
    ]


def _judge(pack: Pack, batch: Sequence[Event], taken: list[float]) -> float:
    """Judge a batch; note the seconds of each event, and return those of the batch."""
    clock, began = time.perf_counter, time.perf_counter()
    before = began
    for event in batch:
        pack.evaluate(event, ())
        after = clock()
        taken.append(after - before)
        before = after
    return before - began


def _figures(
    compile_s: float, taken: Sequence[float], batches: Sequence[float]
) -> dict[str, float]:
    return {
        "events_per_s": round(_BATCH * len(batches) / sum(batches)),
        "p50_us": round(statistics.median(taken) * 1e6, 1),
        "p99_us": round(quantile(taken, 0.99) * 1e6, 1),
        "compile_s": round(compile_s, 3),
    }


def _end_to_end(events: int) -> dict[str, Any]:
    """Run the whole line with 100 rules and 20 counters, from durable intake to the verdict."""
    counters = _counters()
    rules = _quiet_rules(100, _fields(counters))
    with _folder(rules, counters) as folder, tree.fresh() as line, receiving() as webhook:
        line.environment["OPENHAVEN_PACK"] = str(folder)
        line.start("run", f"{line.url}/readyz")
        line.call("platforms", "add", "bench", "--webhook", webhook)
        key = line.call("keys", "create", "bench", "--platform", "bench")
        (found,) = rounds(line, key, 1, events, 20.0)
    return {
        "events_per_s": round(found.events_per_s),
        "p99_ms": round(quantile(found.verdict_ms, 0.99), 1),
        "rules": 100,
        "counters": len(counters),
    }


def _say(what: str, figures: dict[str, Any]) -> None:
    said = ", ".join(f"{value} {name}" for name, value in figures.items())
    sys.stderr.write(f"bench: {what}: {said}\n")


if __name__ == "__main__":
    sys.exit(main())
