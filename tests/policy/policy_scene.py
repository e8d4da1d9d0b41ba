"""A small pack, events and findings for the tests of this room."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from openhaven.intake.model import Event
from openhaven.policy import BrokenPack, Pack, PackError, load
from openhaven.signals.model import Finding

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MANIFEST = """name = "small"
version = "1.2.3"
owner = "The tests"
languages = ["en"]
jurisdictions = ["*"]
banks = ["known", "spared"]
"""
POLICY = """# Rules

## Be kind {#kind}
Ground: terms, the rule “Be kind”

Please be kind.

## No spam {#spam}
Ground: law, the law on spam

Please no spam.
"""
RULE = """- id: one
  clause: kind
  on: [post.create]
  when: terms.bad
  then: {outcome: review, harm: harassment}
"""
FILES = {
    "pack.toml": MANIFEST,
    "policy.md": POLICY,
    "rules.yaml": RULE,
    "terms/bad.txt": "zorgblat\n",
    "terms/worse.txt": "flumquist\n",
    "links/tricks.txt": "trick.example\n",
}


def write(folder: Path, changed: Mapping[str, str | bytes | None]) -> Path:
    """Write the small pack with some files changed (None leaves one out); return its folder."""
    for name, text in {**FILES, **changed}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def pack_of(folder: Path, rules: str = RULE) -> Pack:
    """Return the small pack with these rules."""
    return load(write(folder, {"rules.yaml": rules}))


def errors_of(folder: Path, **changed: str | bytes | None) -> tuple[PackError, ...]:
    """Return the mistakes of the small pack with files changed; `rules_yaml` is rules.yaml."""
    files = {name.replace("__", "/").replace("_", ".", 1): text for name, text in changed.items()}
    try:
        load(write(folder, files))
    except BrokenPack as broken:
        return broken.errors
    raise AssertionError("the pack was accepted")


def rule(when: str, **other: Any) -> str:
    """Return one rule as YAML, with its condition quoted as JSON."""
    fields: dict[str, Any] = {
        "id": "one",
        "clause": "kind",
        "on": ["post.create"],
        "then": {"outcome": "review", "harm": "harassment"},
        **other,
    }
    lines = [f"{name}: {msgspec.json.encode(value).decode()}" for name, value in fields.items()]
    return "- " + "\n  ".join([*lines, f"when: {msgspec.json.encode(when).decode()}"]) + "\n"


def event(kind: str = "post.create", **parts: Any) -> Event:
    """Return an event as platforms send it."""
    given = {"id": "e1", "kind": kind, "at": NOON.isoformat(), "account": {"id": "a1"}, **parts}
    return msgspec.convert(given, Event)


def found(value: str, opinion: str = "term", subject: str = "text", **other: Any) -> Finding:
    """Return a finding; `harm` and `confidence` may be given."""
    given = {
        "signal": "terms" if opinion == "term" else "media",
        "version": "1",
        "subject": subject,
        "value": value,
        "harm": "other",
        "opinion": opinion,
        "confidence": 1.0,
    }
    return Finding(**{**given, **other})


def failed(subject: str = "text", signal: str = "terms") -> Finding:
    """Return the finding of a signal that could not tell."""
    return found("", "investigate", subject, signal=signal, confidence=0.0, unknown="it broke")
