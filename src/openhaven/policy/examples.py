"""The pack's own tests: events that must match and, more important, events that must not."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from openhaven.core import Outcome
from openhaven.history import Replay
from openhaven.intake.model import Event
from openhaven.policy.marked import Marked, UnreadableError, read_yaml
from openhaven.policy.model import Name, Verdict
from openhaven.policy.pack import Pack
from openhaven.policy.places import BrokenPack, PackError, Source, did_you_mean
from openhaven.policy.refusals import explained
from openhaven.signals.model import Finding

Topic = Literal[
    "lgbtq", "sex-education", "recovery", "news", "reclaimed-words", "medical",
    "counter-speech", "quoting", "homonym",
]  # fmt: skip
Measure = Callable[[Event], Iterable[Finding]]
_MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class BankMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A match in a bank that an example supposes, since an example carries no picture."""

    bank: Name
    harm: str
    opinion: Literal["positive", "investigate"] = "positive"


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The labels that an example supposes."""

    account: tuple[Name, ...] = ()
    item: tuple[Name, ...] = ()


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One example. `event` is as in `POST /v1/events`; `id`, `at` and `account` may be left out.

    `before` are events that happened before it, so that the pack's counters have counted them;
    `counters` says what counters answer instead (`written_to.in_1h: 12`).
    `labels` are those that stand on its account and its item.
    `must_match` names rules that have to match; `must_not_match` those that may not, or `any`.
    `topic` marks what must stay free to say.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    event: dict[str, Any]
    before: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(max_length=500)] = ()
    counters: dict[str, int | float | bool] = {}
    labels: Standing = Standing()
    banks: tuple[BankMatch, ...] = ()
    unknown: tuple[str, ...] = ()
    must_match: tuple[Name, ...] = ()
    must_not_match: tuple[Name, ...] | Literal["any"] = ()
    outcome: Outcome | None = None
    topic: Topic | None = None


class Tried(msgspec.Struct, frozen=True):
    """An example that was run: `fault` says what went wrong, or is empty."""

    name: str
    place: PackError
    fault: str
    topic: Topic | None
    free: bool
    """Whether it is an example of what must not match at all."""


def run_examples(pack: Pack, measure: Measure) -> list[Tried]:
    """Run the examples of `pack`; `measure` gives the findings of its terms and links for an event.

    Raises `BrokenPack` when examples.yaml cannot be understood.
    """
    return [
        _try(pack, measure, marked, at, one)
        for marked, found in (_read(pack, file) for file in _files(pack))
        for at, one in enumerate(found)
    ]


def check_examples(pack: Pack) -> None:
    """Raise `BrokenPack` when examples.yaml cannot be understood; nothing is run."""
    for file in _files(pack):
        _read(pack, file)


def _files(pack: Pack) -> list[str]:
    """Return the files of examples, the pack's own ones and those of the packs it includes."""
    return [file for file in sorted(pack.files) if file.rpartition("/")[2] == "examples.yaml"]


def _read(pack: Pack, file: str) -> tuple[Marked, list[Example]]:
    marked = Marked(Source(file, pack.files[file]))
    try:
        marked = read_yaml(marked.source)
    except UnreadableError as mistake:
        raise BrokenPack([mistake.error]) from mistake
    data = marked.data if marked.data is not None else []
    if not isinstance(data, list):
        what = "This file is a list of examples, each after a “-”."
        raise BrokenPack([marked.source.error(marked.place("$"), what)])
    found: list[Example] = []
    errors: list[PackError] = []
    for at, one in enumerate(data):
        path = f"$[{at}]"
        try:
            example = msgspec.convert(one, Example)
        except msgspec.ValidationError as error:
            errors.append(explained(error, marked, path, Example))
            continue
        errors += _wrong_events(marked, path, example)
        errors += _unknown_counters(pack, marked, path, example)
        errors += _unknown_rules(pack, marked, path, example)
        found.append(example)
    if errors:
        raise BrokenPack(errors)
    return marked, found


def _wrong_events(marked: Marked, path: str, example: Example) -> list[PackError]:
    given = {f"{path}.before[{at}]": one for at, one in enumerate(example.before)}
    errors = []
    for where, one in {**given, f"{path}.event": example.event}.items():
        try:
            _event(one)
        except msgspec.ValidationError as error:
            errors.append(explained(error, marked, where, Event))
    return errors


def _unknown_counters(pack: Pack, marked: Marked, path: str, example: Example) -> list[PackError]:
    known = {name for one in pack.counters for name in one.fields}
    return [
        marked.source.error(
            marked.keys.get(f"{path}.counters.{name}", marked.place(path)),
            f"No counter answers “{name}”.{did_you_mean(name, known)}",
        )
        for name in example.counters
        if name not in known
    ]


def _unknown_rules(pack: Pack, marked: Marked, path: str, example: Example) -> list[PackError]:
    known = {rule.id for rule in pack.rules}
    named = [*example.must_match]
    if example.must_not_match != "any":
        named += example.must_not_match
    errors = [
        marked.source.error(marked.place(path), f"There is no rule “{n}”.{did_you_mean(n, known)}")
        for n in named
        if n not in known
    ]
    if not example.must_match and not example.must_not_match and example.outcome is None:
        what = "An example says must_match, must_not_match or outcome."
        errors.append(marked.source.error(marked.place(path), what))
    return errors


def _event(said: dict[str, Any], id_: str = "example") -> Event:
    given: dict[str, Any] = {"id": id_, "at": _MOMENT.isoformat(), **said}
    account = given.get("account")
    given["account"] = {"id": "a1", **account} if isinstance(account, dict) else {"id": "a1"}
    if isinstance(given.get("item"), dict):
        given["item"] = {"id": "i1", **given["item"]}
    if isinstance(given.get("conversation"), dict):
        given["conversation"] = {"id": "c1", **given["conversation"]}
    return msgspec.convert(given, Event)


def _try(pack: Pack, measure: Measure, marked: Marked, at: int, example: Example) -> Tried:
    event = _event(example.event)
    findings = [*measure(event), *_supposed(example)]
    labels = {"account.labels": example.labels.account, "item.labels": example.labels.item}
    verdict = pack.evaluate(event, findings, {**_counted(pack, example, event), **labels})
    place = marked.source.error(marked.place(f"$[{at}]"), example.name)
    free = example.must_not_match == "any"
    return Tried(example.name, place, _fault(example, verdict), example.topic, free)


def _counted(pack: Pack, example: Example, event: Event) -> dict[str, Any]:
    """Return what the pack's counters answer for the event, after those that were before it."""
    if not pack.counters:
        return {}
    replay = Replay(pack.counters)
    for at, one in enumerate(example.before):
        replay.take("example", _event(one, f"before-{at}"))
    return {**replay.take("example", event), **example.counters}


def _supposed(example: Example) -> list[Finding]:
    found = [
        Finding(signal="example", version="1", subject="media:example", value=match.bank,
                harm=match.harm, opinion=match.opinion, confidence=1.0)
        for match in example.banks
    ]  # fmt: skip
    return found + [
        Finding(signal=name, version="1", subject="media:example", value="", harm="other",
                opinion="investigate", confidence=0.0, unknown="supposed by the example")
        for name in example.unknown
    ]  # fmt: skip


def _fault(example: Example, verdict: Verdict) -> str:
    matched = {reason.rule for reason in (*verdict.reasons, *verdict.shadow) if reason.matched}
    missed = [rule for rule in example.must_match if rule not in matched]
    barred = matched if example.must_not_match == "any" else {*example.must_not_match}
    wrong = sorted(matched & barred)
    faults = [f"“{rule}” should match and does not" for rule in missed]
    faults += [f"“{rule}” matches and should not" for rule in wrong]
    if example.outcome is not None and example.outcome != verdict.outcome:
        faults.append(f"the outcome is {verdict.outcome}, not {example.outcome}")
    return "; ".join(faults)
