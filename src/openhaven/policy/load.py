"""From a folder to a pack in force, or to everything that is wrong with the folder."""

import re
import tomllib
from pathlib import Path

import msgspec

from openhaven.policy.clauses import read_all_clauses
from openhaven.policy.counters import asked_by, behaviour_asked, read_all_counters
from openhaven.policy.folder import NAME, check_texts, fingerprint
from openhaven.policy.includes import in_order, read_packs
from openhaven.policy.lists import read_list
from openhaven.policy.pack import Manifest, Pack
from openhaven.policy.places import START, BrokenPack, PackError, Place, Source, did_you_mean
from openhaven.policy.rules_file import RulesFile, Said
from openhaven.policy.sense import contradictions
from openhaven.policy.translations import translated
from openhaven.policy.vocabulary import RESERVED, declare

_TOML_AT = re.compile(r"(.*) \(at line (\d+), column (\d+)\)")
_TOLD = re.compile(r"[a-z][a-z0-9_]{0,39}")
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
    said = Said(clauses, QUEUES.union(*(one.queues for one in manifests if one)))
    readers = [
        RulesFile(Source(name, texts[name]), said, errors)
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
