"""The names that a condition may use, with their types and, where the words are few, the words.

A name that is not here does not compile, and a word that can never stand there (`"18plus"`) is
refused, so that a slip of the pen cannot become a rule that never matches.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import msgspec
from cel_expr_python import cel

from openhaven.core import HARMS, AgeBand, EventKind, Visibility
from openhaven.signals import behaviour

NONE = "none"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_T = cel.Type
_AGES = frozenset(get_args(AgeBand))
_NAMES: dict[str, cel.Type] = {
    "event.kind": _T.STRING,
    "account.age_band": _T.STRING,
    "account.age_days": _T.INT,
    "account.country": _T.STRING,
    "account.labels": _T.List(_T.STRING),
    "item.type": _T.STRING,
    "item.text": _T.STRING,
    "item.language": _T.STRING,
    "item.has_media": _T.BOOL,
    "item.has_link": _T.BOOL,
    "item.labels": _T.List(_T.STRING),
    "target.age_band": _T.STRING,
    "conversation.visibility": _T.STRING,
    "conversation.encrypted": _T.BOOL,
    "report.category": _T.STRING,
    "banks.positive": _T.List(_T.STRING),
    "banks.investigate": _T.List(_T.STRING),
    "banks.harms": _T.List(_T.STRING),
    "signals.unknown": _T.List(_T.STRING),
    "context": _T.Map(_T.STRING, _T.DYN),
}
LABELS = ("account.labels", "item.labels")
COUNTERS = "counters."
BEHAVIOUR = "behaviour."
TOLD = ("account.label.", "item.label.", "target.label.")
_COUNTED = {"int": _T.INT, "double": _T.DOUBLE, "bool": _T.BOOL, "string": _T.STRING}
_LISTED = ("banks.positive", "banks.investigate", "banks.harms", "signals.unknown")
FUNCTIONS = (
    "contains", "startsWith", "endsWith", "matches", "size", "exists", "exists_one", "all",
    "filter", "map", "has", "string", "int",
)  # fmt: skip
RESERVED = frozenset(
    ("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
     "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while")
)  # fmt: skip


class Vocabulary(msgspec.Struct, frozen=True):
    """The declared names of one pack: `types` by name, and `words` where only some make sense.

    `blank` has what signals answer when they find nothing.
    """

    types: dict[str, cel.Type]
    words: dict[str, frozenset[str]]
    blank: dict[str, Any]
    env: cel.Env
    counted: frozenset[str] = frozenset()
    """What counters answer, by the names that they give it. Any of it may be missing."""
    told: Mapping[str, str] = _NOTHING
    """The types of what platforms may say in labels, by name. Any of it may be missing."""


def declare(
    terms: Iterable[str],
    links: Iterable[str],
    banks: Iterable[str],
    labels: Iterable[str] = (),
    counters: Mapping[str, str] = _NOTHING,
    told: Mapping[str, str] = _NOTHING,
) -> Vocabulary:
    """Return the vocabulary of a pack with these lists of terms and links, banks and labels.

    `counters` has the type (`int`, `double` or `bool`) of each answer of its counters, by name;
    `told` that of each label of platforms, by its whole name.
    """
    types = dict(_NAMES)
    types.update({name: _COUNTED[kind] for name, kind in told.items()})
    types.update({f"{name}.known": _T.BOOL for name in told})
    types.update({COUNTERS + name: _COUNTED[kind] for name, kind in counters.items()})
    types.update({f"terms.{name}": _T.BOOL for name in terms})
    types.update({f"links.{name}": _T.BOOL for name in links})
    types.update({BEHAVIOUR + name: _T.BOOL for name in behaviour.SIGNS})
    used = frozenset(banks)
    words = {
        "event.kind": frozenset(get_args(EventKind)),
        "account.age_band": _AGES,
        "target.age_band": _AGES | {NONE},
        "conversation.visibility": frozenset(get_args(Visibility)) | {NONE},
        "banks.positive": used,
        "banks.investigate": used,
        "banks.harms": frozenset(HARMS),
        "report.category": frozenset(HARMS) | {NONE},
        **dict.fromkeys(LABELS, frozenset(labels)),
    }
    lists = [name for name in types if name.startswith(("terms.", "links.", BEHAVIOUR))]
    blank: dict[str, Any] = {**{name: [] for name in _LISTED}, **dict.fromkeys(lists, False)}
    return Vocabulary(types, words, blank, cel.NewEnv(variables=types), frozenset(counters), told)


@cache
def event_vocabulary() -> Vocabulary:
    """Return the vocabulary of what an event says by itself, for the conditions of counters."""
    whole = declare((), (), ())
    elsewhere = ("banks.", "signals.", BEHAVIOUR, *LABELS)
    types = {name: one for name, one in whole.types.items() if not name.startswith(elsewhere)}
    return Vocabulary(types, whole.words, {}, cel.NewEnv(variables=types))
