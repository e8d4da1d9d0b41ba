"""From a folder to a pack in force, or to everything that is wrong with the folder."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from openhaven.core import HARMS
from openhaven.policy.clauses import read_all_clauses
from openhaven.policy.conditions import Condition, compile_condition
from openhaven.policy.counters import asked_by, behaviour_asked, read_all_counters
from openhaven.policy.folder import NAME, check_texts, fingerprint
from openhaven.policy.includes import in_order, read_packs
from openhaven.policy.lists import read_list
from openhaven.policy.marked import Marked, UnreadableError, read_yaml
from openhaven.policy.model import FROM_BANK, FROM_REPORT, Clause, Rule
from openhaven.policy.pack import Manifest, Pack
from openhaven.policy.places import START, BrokenPack, PackError, Place, Source, did_you_mean
from openhaven.policy.refusals import explained
from openhaven.policy.sense import Placed, alone, contradictions
from openhaven.policy.translations import translated
from openhaven.policy.vocabulary import RESERVED, Vocabulary, declare

_TOML_AT = re.compile(r"(.*) \(at line (\d+), column (\d+)\)")
_TOLD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RULES_LIMIT = 5_000
_TOPICS = frozenset(topic for one in HARMS.values() for topic in one.help)
_PATTERNS = {
    "name": re.compile(r"[a-z0-9][a-z0-9-]{0,62}"),
    "version": re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}"),
    "owner": re.compile(r".{1,200}"),
    "languages": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
    "jurisdictions": re.compile(r"[A-Z]{2}|\*"),
    "banks": re.compile(r"[a-z0-9][a-z0-9-]{0,62}"),
    "include": NAME,
    "queues": NAME,
    "labels": NAME,
    "contact": re.compile(r"|[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}"),
}
# The queues that every house has; `appeals` is not for rules.
QUEUES = frozenset({"general", "reports", "child-safety", "care"})


def load(path: Path | str) -> Pack:
    """Return the pack in the folder at `path`, checked and compiled.

    Raises `BrokenPack` with every mistake found, each with its file, line and column.
    """
    errors: list[PackError] = []
    texts = read_packs(Path(path), errors)
    if errors:
        raise BrokenPack(errors)
    return load_texts(texts)


def load_texts(texts: dict[str, str], *, kept: bool = False) -> Pack:
    """Return the pack whose files are `texts` by name, as `Pack.files` and the database keep them.

    Raises `BrokenPack` as `load` does. A pack that was `kept` is taken as it stood: rules that
    could be read and judged then, and only make no sense, are among its warnings.
    """
    errors: list[PackError] = []
    order = in_order(texts, errors)
    if not kept:
        check_texts(texts, errors)
    if errors:
        raise BrokenPack(errors)
    manifests = [
        _manifest(Source(f"{at}pack.toml", texts[f"{at}pack.toml"]), errors) for at in order
    ]
    warnings: list[PackError] = []
    clauses = read_all_clauses(texts, order, errors)
    clauses = translated(texts, order, clauses, errors, warnings)
    lists = (_lists("terms", texts, errors), _lists("links", texts, errors))
    said = _Said(clauses, QUEUES.union(*(one.queues for one in manifests if one)))
    readers = [
        _Rules(Source(name, texts[name]), said, errors)
        for at in order
        if (name := f"{at}rules.yaml") in texts
    ]
    labels = {label for one in manifests if one for label in one.labels}
    counters = read_all_counters(texts, order, errors)
    vocabulary = declare(
        *lists,
        [bank for one in manifests if one for bank in one.banks],
        labels.union(*(one.labels() for one in readers)),
        {name: kind for one in counters for name, kind in one.fields.items()},
        _told(texts, order, manifests, errors),
    )
    rules = [rule for one in readers for rule in one.read(vocabulary)]
    manifest = manifests[-1]
    contradictions(rules, warnings if kept else errors, warnings)
    if errors or manifest is None:
        raise BrokenPack(errors)
    pairs = [(one.rule, one.condition) for one in rules]
    pack = Pack(manifest, fingerprint(texts), texts, clauses, pairs, lists, vocabulary, said.seen)
    pack.warnings = tuple(sorted(warnings))
    pack.contacts = {at.rstrip("/"): one.contact for at, one in zip(order, manifests, strict=True)
                     if one}  # fmt: skip
    pack.counters = (*asked_by(counters, pairs), *behaviour_asked(pairs))
    return pack


def _told(
    texts: dict[str, str],
    order: list[str],
    manifests: list[Manifest | None],
    errors: list[PackError],
) -> dict[str, str]:
    """Return the labels of platforms that the packs declare, with their types, by name."""
    told: dict[str, str] = {}
    for at, manifest in zip(order, manifests, strict=True):
        source = Source(f"{at}pack.toml", texts[f"{at}pack.toml"])
        for name, kind in (manifest.platform_labels.names if manifest else {}).items():
            word = name.rpartition(".")[2]
            if not _TOLD.fullmatch(word) or word in RESERVED:
                what = f"“{word[:80]}” is not what a label can be called: small letters, digits, _."
                errors.append(source.error(source.find(word), what))
            elif told.setdefault(name, kind) != kind:
                what = f"Another pack declares the label “{word}” as {told[name]}."
                errors.append(source.error(source.find(word), what))
    return told


def _manifest(source: Source, errors: list[PackError]) -> Manifest | None:
    try:
        manifest = msgspec.convert(tomllib.loads(source.text), Manifest)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_AT.fullmatch(str(error))
        place = Place(int(match[2]), int(match[3])) if match else START
        what = match[1] if match else str(error)
        errors.append(source.error(place, f"TOML cannot be read here: {what}."))
        return None
    except RecursionError:
        errors.append(source.error(START, "This is nested too deeply to be a manifest."))
        return None
    except msgspec.ValidationError as error:
        errors.append(_wrong_manifest(source, str(error)))
        return None
    at = source.file.rpartition("/")[0]
    if at and manifest.name != at:
        what = f"This pack is included as “{at}”, so that must be its name."
        errors.append(source.error(source.find("name"), what))
    for field, pattern in _PATTERNS.items():
        value = getattr(manifest, field)
        errors.extend(
            source.error(source.find(field), f"“{one[:80]}” is not what “{field}” can be.")
            for one in ((value,) if isinstance(value, str) else value)
            if not pattern.fullmatch(one)
        )
    return manifest


def _wrong_manifest(source: Source, what: str) -> PackError:
    field = re.search(r"field `(.*?)`|at `\$\.(\w+)", what)
    name = (field[1] or field[2]) if field else ""
    known = did_you_mean(name, Manifest.__struct_fields__) if "unknown" in what else ""
    place = START if "missing" in what else source.find(name)
    return source.error(place, f"{what}.{known}")


def _lists(kind: str, texts: dict[str, str], errors: list[PackError]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for file, text in sorted(texts.items()):
        *_, folder, last = ("", *file.split("/"))
        if folder != kind:
            continue
        name, source = last.removesuffix(".txt"), Source(file, text)
        if name in lists:
            what = f"There is another list “{kind}.{name}”; give one of them another name."
            errors.append(source.error(START, what))
        lists[name] = read_list(source, errors)
    return lists


class _Said(msgspec.Struct):
    """What the files of a pack say together: clauses, queues, and the file of each rule seen."""

    clauses: dict[str, Clause]
    queues: frozenset[str]
    seen: dict[str, str] = {}


class _Rules:
    """Reads one rules.yaml against what the whole pack says."""

    def __init__(self, source: Source, said: _Said, errors: list[PackError]) -> None:
        self.marked = Marked(source)
        self.errors = errors
        self.clauses = said.clauses
        self.queues = said.queues
        self.seen = said.seen
        self.data = self.parsed()

    def parsed(self) -> list[Any]:
        """Return the rules as they stand in the file, not yet checked."""
        try:
            self.marked = read_yaml(self.marked.source)
        except UnreadableError as mistake:
            self.errors.append(mistake.error)
            return []
        data = self.marked.data
        if not isinstance(data, list) or not 0 < len(data) <= _RULES_LIMIT:
            self.tell("$", f"This file is a list of 1 to {_RULES_LIMIT:,} rules, each after a “-”.")
            return []
        return data

    def labels(self) -> set[str]:
        """Return the labels that these rules give."""
        found = set()
        for one in self.data:
            then = one.get("then") if isinstance(one, dict) else None
            label = then.get("label") if isinstance(then, dict) else None
            name = label.get("name") if isinstance(label, dict) else None
            if isinstance(name, str):
                found.add(name)
        return found

    def read(self, vocabulary: Vocabulary) -> list[Placed]:
        """Return the rules that are sound; the mistakes of the others go to the errors."""
        self.vocabulary = vocabulary
        return [found for at, one in enumerate(self.data) if (found := self.rule(f"$[{at}]", one))]

    def rule(self, path: str, data: Any) -> Placed | None:
        if isinstance(data, dict) and f"{path}.when" in self.marked.raw:
            data["when"] = self.marked.raw[f"{path}.when"]
        try:
            rule = msgspec.convert(data, Rule)
        except msgspec.ValidationError as error:
            self.errors.append(explained(error, self.marked, path, Rule))
            return None
        before = len(self.errors)
        self.check(path, rule)
        condition = self.condition(path, rule)
        if condition is None or len(self.errors) > before:
            return None
        place = self.marked.source.error(self.marked.place(f"{path}.when"), "")
        return Placed(rule, condition, place)

    def check(self, path: str, rule: Rule) -> None:
        if rule.id in self.seen:
            where = self.seen[rule.id]
            place = "above" if where == self.marked.source.file else f"in {where}"
            self.tell(f"{path}.id", f"There is another rule “{rule.id}” {place}.")
        self.seen.setdefault(rule.id, self.marked.source.file)
        if rule.clause not in self.clauses:
            near = did_you_mean(rule.clause, self.clauses)
            self.tell(f"{path}.clause", f"policy.md has no clause “{rule.clause}”.{near}")
        self.check_then(path, rule)

    def check_then(self, path: str, rule: Rule) -> None:
        harm = rule.then.harm
        known = (*HARMS, FROM_BANK, FROM_REPORT)
        if harm not in known:
            near = did_you_mean(harm, known)
            self.tell(f"{path}.then.harm", f"There is no harm “{harm}”.{near}")
        if harm == FROM_REPORT and set(rule.on) != {"report.create"}:
            self.tell(f"{path}.then.harm", "Only a rule on report.create alone can take that harm.")
        if rule.then.queue not in self.queues:
            near = did_you_mean(rule.then.queue, self.queues)
            more = near or " List a queue of your own under `queues` in pack.toml."
            self.tell(f"{path}.then.queue", f"There is no queue “{rule.then.queue}”.{more}")
        self.check_days(path, rule)
        self.check_limits(path, rule)
        for at, topic in enumerate(rule.then.help or ()):
            if topic not in _TOPICS:
                what = f"There is no help topic “{topic}”.{did_you_mean(topic, _TOPICS)}"
                self.tell(f"{path}.then.help[{at}]", what)

    def check_days(self, path: str, rule: Rule) -> None:
        outcome, days = rule.then.outcome, rule.then.days
        if rule.then.measure and outcome != "restrict":
            self.tell(f"{path}.then.measure", "Only what restricts says how: `outcome: restrict`.")
        if outcome == "restrict" and days is None:
            what = "A rule restricts for a number of `days`; only a person does so without an end."
            self.tell(f"{path}.then", what)
        if outcome in ("allow", "review") and days is not None:
            self.tell(f"{path}.then.days", f"“{outcome}” takes nothing away, so it has no days.")

        if outcome == "allow" and rule.then.clock_hours is not None:
            what = "Nobody looks at what is allowed, so no clock runs for it."
            self.tell(f"{path}.then.clock_hours", what)

    def check_limits(self, path: str, rule: Rule) -> None:
        if rule.daily_cap is not None and rule.then.outcome in ("allow", "review"):
            what = f"“{rule.then.outcome}” decides nothing, so there is nothing to cap."
            self.tell(f"{path}.daily_cap", what)
        if rule.then.label is not None and "report.create" in rule.on:
            what = "What one person reports is no ground for a label; a person looks at it first."
            self.tell(f"{path}.then.label", what)

    def condition(self, path: str, rule: Rule) -> Condition | None:
        where = f"{path}.when"
        made = compile_condition(rule.when, self.vocabulary)
        if isinstance(made, list):
            for fault in made:
                place = self.marked.inside(where, fault.offset)
                self.errors.append(self.marked.source.error(place, fault.message))
            return None
        if rule.mode == "live" and (sign := alone(made, self.vocabulary)):
            what = (
                f"“{sign}” is one sign of behaviour, and alone it says too little about a person: "
                "join it with another one, or let the rule look on in shadow mode."
            )
            self.tell(where, what)
        if "banks.investigate" in made.names and rule.then.outcome != "review":
            what = "A bank to investigate asks for a look, no more: the outcome must be “review”."
            self.tell(f"{path}.then.outcome", what)
        if rule.then.harm == FROM_BANK and not made.names & {"banks.positive", "banks.harms"}:
            what = "Only a rule on banks.positive or banks.harms can take that harm."
            self.tell(f"{path}.then.harm", what)
        return made

    def tell(self, path: str, message: str) -> None:
        self.errors.append(self.marked.source.error(self.marked.place(path), message))
