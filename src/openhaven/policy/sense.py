"""Whether the rules of a pack make sense: none that can never hold, none that contradict.

What is surely a mistake goes to the errors; what is only odd becomes a warning. Nothing here is
clever: conditions are compared as they stand, and parts joined by `&&` are looked at one by one.
"""

from collections.abc import Iterable, Iterator

import msgspec

from openhaven.policy.conditions import Condition
from openhaven.policy.model import Rule
from openhaven.policy.places import PackError
from openhaven.policy.tree import Constant, Node
from openhaven.policy.vocabulary import BEHAVIOUR, Vocabulary

_TURNED = {"_<_": "_>_", "_>_": "_<_", "_<=_": "_>=_", "_>=_": "_<=_"}
_Words = frozenset[Constant]
# A number and whether it is meant itself (0), what is just above it (1) or just below it (-1).
_End = tuple[float, int]
_LEAST: _End = (float("-inf"), 0)
_MOST: _End = (float("inf"), 0)
_CONSTANT = "This reads nothing of the event, so that it says the same of every one."


class Placed(msgspec.Struct, frozen=True):
    """A rule that is sound by itself, its condition, and where that stands (without a message)."""

    rule: Rule
    condition: Condition
    place: PackError

    def error(self, message: str) -> PackError:
        """Return a mistake at the place of the condition."""
        return msgspec.structs.replace(self.place, message=message)


def contradictions(
    rules: Iterable[Placed], errors: list[PackError], warnings: list[PackError]
) -> None:
    """Find what is surely wrong among the rules of a pack, and what is only odd."""
    known: dict[tuple[object, ...], list[Placed]] = {}
    for one in rules:
        if not one.condition.names:
            warnings.append(one.error(_CONSTANT))
        elif fault := _never(one):
            errors.append(one.error(fault))
        twins = known.setdefault(_shape(one.condition.tree), [])
        for twin in twins:
            _compare(twin, one, errors, warnings)
        twins.append(one)


def _compare(
    first: Placed, second: Placed, errors: list[PackError], warnings: list[PackError]
) -> None:
    """Tell of two rules with one condition, if both are live and look at the same events."""
    rules = (first.rule, second.rule)
    if not set(first.rule.on) & set(second.rule.on) or {one.mode for one in rules} != {"live"}:
        return
    one, other = (rule.then.outcome for rule in rules)
    if one != other:
        errors.append(
            second.error(
                f"The rule “{first.rule.id}” has the same condition and another outcome "
                f"(“{one}” there, “{other}” here). Only the stronger one could ever be seen."
            )
        )
    elif first.rule.then == second.rule.then:
        what = f"The rule “{first.rule.id}” says the same of the same; one of them is enough."
        warnings.append(second.error(what))


def _shape(node: Node) -> tuple[object, ...]:
    """Return the condition without its places, so that equal ones are equal."""
    value = (type(node.value).__name__, node.value)
    return node.kind, value, node.result, node.plain, tuple(_shape(part) for part in node.parts)


# What can never be true ------------------------------------------------------------------------


def _never(one: Placed) -> str:
    """Say why the condition cannot be true for any event, if that can be seen; else ""."""
    terms = list(_terms(one.condition.tree))
    for name, words in _chosen(terms).items():
        left = words & frozenset(one.rule.on) if name == "event.kind" else words
        if not left:
            return f"This is never true: {name} cannot be all that is asked of it here."
    for name, (low, high) in _ranges(terms).items():
        if low > high:
            return f"This is never true: no {name} is within both of its bounds."
    shapes = {_shape(term) for term in terms}
    for term in terms:
        if term.kind == "call" and term.value == "!_" and _shape(term.parts[0]) in shapes:
            return "This is never true: it asks for something and for its opposite."
    return ""


def _terms(node: Node) -> Iterator[Node]:
    """Yield the parts of a condition that must all be true."""
    if node.kind == "call" and node.value == "_&&_":
        for part in node.parts:
            yield from _terms(part)
    else:
        yield node


def _chosen(terms: Iterable[Node]) -> dict[str, _Words]:
    """Return for each name that is compared with words those that it can be."""
    found: dict[str, _Words] = {}
    for term in terms:
        for name, words in _equals(term):
            found[name] = found.get(name, words) & words
    return found


def _equals(term: Node) -> Iterator[tuple[str, _Words]]:
    if term.kind != "call" or len(term.parts) != 2:
        return
    left, right = term.parts
    if term.value == "@in" and left.kind == "ident" and right.kind == "list":
        if all(one.kind == "const" for one in right.parts):
            yield str(left.value), frozenset(one.value for one in right.parts)
    elif term.value == "_==_":
        for asked, other in ((left, right), (right, left)):
            if asked.kind == "ident" and other.kind == "const" and isinstance(other.value, str):
                yield str(asked.value), frozenset((other.value,))


def _ranges(terms: Iterable[Node]) -> dict[str, tuple[_End, _End]]:
    """Return for each name that is compared with whole numbers the least and most it can be."""
    found: dict[str, tuple[_End, _End]] = {}
    for term in terms:
        bound = _bound(term)
        if bound is not None:
            name, low, high = bound
            before = found.get(name, (_LEAST, _MOST))
            found[name] = max(before[0], low), min(before[1], high)
    return found


def _bound(term: Node) -> tuple[str, _End, _End] | None:
    if term.kind != "call" or len(term.parts) != 2:
        return None
    (left, right), sign = term.parts, str(term.value)
    if left.kind == "const":
        left, right, sign = right, left, _TURNED.get(sign, sign)
    value = right.value
    if left.kind != "ident" or right.kind != "const" or type(value) is not int:
        return None
    bounds: dict[str, tuple[_End, _End]] = {
        "_<_": (_LEAST, (value, -1)),
        "_<=_": (_LEAST, (value, 0)),
        "_>_": ((value, 1), _MOST),
        "_>=_": ((value, 0), _MOST),
        "_==_": ((value, 0), (value, 0)),
    }
    return (str(left.value), *bounds[sign]) if sign in bounds else None


# What rests on one sign alone --------------------------------------------------------------------

# What says no more than that two accounts met, and so does not stand beside a sign.
_CIRCUMSTANCES = frozenset(
    {"event.kind", "account.age_band", "target.age_band", "account.country", "item.type",
     "item.language", "item.has_media", "conversation.visibility", "conversation.encrypted"}
)  # fmt: skip


def alone(made: Condition, vocabulary: Vocabulary) -> str:
    """Return a sign of behaviour that can make the condition true all alone; else ""."""
    signs = [name for name in sorted(made.names) if name.startswith(BEHAVIOUR)]
    if not made.names <= _CIRCUMSTANCES.union(signs):
        return ""
    # The circumstances are missing here: what is then not plainly false could be true.
    only = ({**vocabulary.blank, sign: True} for sign in signs)
    said = [made.answer(vocabulary.env.Activation(values)) for values in only]
    return next((sign for sign, one in zip(signs, said, strict=True) if one is not False), "")
