"""From the checked tree of a condition to the text of a Python expression that answers alike.

The text is made of names that this module invents, Python's operators and brackets, and nothing
else: no attribute, no literal but `True` and `False`, and no character of the rule. Every constant
and every operation of CEL is passed by reference in the namespace that `Parts` keeps, which has no
builtins. An error of CEL is the value `ERROR`, never an exception.

What can never be an error and has a known type (most of what rules ask) becomes a plain Python
operator; the rest calls `values.py`. What is outside of this subset raises `OutsideError`, and the
rule runs in the CEL library.
"""

from collections.abc import Callable, Mapping
from typing import Any

from openhaven.policy import values
from openhaven.policy.loops import form_of
from openhaven.policy.parts import CALL, CHEAP, LOOP, SEARCH, Code, Parts
from openhaven.policy.search import plain_words
from openhaven.policy.tree import Constant, Node

_DEEPEST = 40
_PLAIN = frozenset({"bool", "int", "double", "text", "texts"})
_CONSTANTS: dict[type, str] = {bool: "bool", int: "int", float: "double", str: "text"}
_TYPES = {"bool": bool, "int": int, "double": float, "text": str}
_COMPARE = {
    "_==_": ("==", values.equal),
    "_!=_": ("!=", values.differ),
    "_<_": ("<", values.less),
    "_<=_": ("<=", values.at_most),
    "_>_": (">", values.more),
    "_>=_": (">=", values.at_least),
}
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "_+_": values.add,
    "_-_": values.subtract,
    "_*_": values.multiply,
    "_/_": values.divide,
    "_%_": values.modulo,
    "-_": values.negate,
}
_TEXTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "startsWith": (str.startswith, values.starts),
    "endsWith": (str.endswith, values.ends),
    "contains": (str.__contains__, values.has_text),
}


class OutsideError(Exception):
    """The condition needs what only the CEL library has; says what."""


class Emitter:
    """Turns trees into code. `read` says how the value of a declared name is reached."""

    def __init__(
        self, parts: Parts, kinds: Mapping[str, str], read: Callable[[str, str], Code]
    ) -> None:
        self.parts = parts
        self.kinds = kinds
        self.read = read
        self.inner: dict[str, Code] = {}
        self.depth = 0

    def condition(self, tree: Node) -> tuple[list[Code], Code]:
        """Return what must be true first, cheap and sure, and the code of all the rest.

        The condition holds when the former are true and the value of the latter is True; where the
        former are, the latter is True, False or ERROR. Raises `OutsideError`.
        """
        self.inner, self.depth = {}, 0
        self.parts.forget()
        ones = [self.as_truth(self.code(part)) for part in flat("_&&_", tree)]
        first = [one for one in ones if one.sure and one.cost < CALL]
        rest = [one for one in ones if not (one.sure and one.cost < CALL)]
        return first, self.joined("_&&_", rest) if rest else Code("True", "bool", sure=True)

    def code(self, node: Node) -> Code:
        """Return the code of any node."""
        if not node.plain:
            raise OutsideError(f"a {node.kind} of this form")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise OutsideError("more than 40 levels")
        found = self._by_kind(node)
        self.depth -= 1
        return found

    def _by_kind(self, node: Node) -> Code:
        match node.kind:
            case "const":
                return self.constant(node.value)
            case "ident":
                return self.name(str(node.value))
            case "select" | "has":
                return self.field(node)
            case "list":
                return self.many(node)
            case "call":
                return self.call(node)
            case "loop":
                return self.loop(node)
        raise OutsideError(
            {"uint": "numbers without sign", "map": "maps"}.get(node.kind, node.kind)
        )

    def constant(self, value: Constant) -> Code:
        """A constant, by reference; `True` and `False` stand for themselves."""
        if isinstance(value, bytes):
            raise OutsideError("bytes")
        if isinstance(value, bool):
            return Code(str(value), "bool", sure=True, cost=0)
        kind = _CONSTANTS.get(type(value), "any")
        return Code(self.parts.constant(value), kind, sure=True, cost=0)

    def name(self, name: str) -> Code:
        """A declared name, or the variable of the loop around."""
        if name in self.inner:
            return self.inner[name]
        if name not in self.kinds:
            raise OutsideError(f"the name {name}")
        return self.read(name, self.kinds[name])

    def field(self, node: Node) -> Code:
        """`one.field` and `has(one.field)`."""
        one, key = self.code(node.parts[0]), self.parts.constant(node.value)
        if node.kind == "has":
            if one.sure and one.kind == "map":
                return one._replace(text=f"({key} in {one.text})", kind="bool", cost=CHEAP)
            return self.apply(values.has, "bool", one, Code(key, "text", sure=True))
        if one.sure and one.kind == "map":
            text = f"({one.text}[{key}] if {key} in {one.text} else {self.parts.error})"
            return one._replace(text=text, kind="any", sure=False)
        return self.apply(values.select, "any", one, Code(key, "text", sure=True))

    def many(self, node: Node) -> Code:
        """A list; one of constants only is made once."""
        ones = [self.code(part) for part in node.parts]
        if any(one.kind == "map" for one in ones):
            raise OutsideError("maps")
        kind = "texts" if ones and all(one.kind == "text" for one in ones) else "list"
        if all(part.kind == "const" for part in node.parts):
            found = [part.value for part in node.parts]
            return Code(self.parts.constant(found), kind, sure=True, cost=0)
        return self.apply(values.listed, kind, *ones, sure=all(one.sure for one in ones))

    def call(self, node: Node) -> Code:
        """A function or an operator."""
        name = str(node.value)
        if name in ("_&&_", "_||_"):
            return self.joined(name, [self.code(part) for part in flat(name, node)])
        if name == "matches" and len(node.parts) == 2:
            return self.matches(self.code(node.parts[0]), node.parts[1])
        ones = [self.code(part) for part in node.parts]
        if name == "dyn" and len(ones) == 1:
            return ones[0]
        if name == "_?_:_":
            return self.choice(*ones)
        if name == "size" and len(ones) == 1:
            return self.size(ones[0])
        if name == "@in":
            return self.within(ones[0], ones[1], node.parts[1])
        if name == "_[_]":
            return self.apply(values.index, "any", *ones)
        if any(one.kind == "map" for one in ones):
            raise OutsideError("comparing maps")
        return self.strict(name, ones)

    def strict(self, name: str, ones: list[Code]) -> Code:
        """What looks at all its operands, whatever they are."""
        if name in _COMPARE:
            return self.compare(name, *ones)
        if name == "!_":
            return self.opposite(ones[0])
        if name in _ARITHMETIC:
            return self.arithmetic(name, ones)
        if name in _TEXTS and len(ones) == 2:
            return self.text(name, *ones)
        raise OutsideError(f"the function {name.strip('_')}")

    def apply(
        self, function: Callable[..., Any], kind: str, *ones: Code, sure: bool = False
    ) -> Code:
        """Call an operation of `values.py`, or a sure one."""
        return Code(
            f"{self.parts.constant(function)}({', '.join(one.text for one in ones)})",
            kind,
            sure,
            CALL + sum(one.cost for one in ones),
            all(one.closed for one in ones),
        )

    def infix(self, one: Code, sign: str, other: Code, kind: str) -> Code:
        """Use an operator of Python on values that are sure."""
        cost, closed = one.cost + other.cost + CHEAP, one.closed and other.closed
        return Code(f"({one.text} {sign} {other.text})", kind, sure=True, cost=cost, closed=closed)

    def compare(self, name: str, one: Code, other: Code) -> Code:
        """`==` and its kin: Python's own on two sure values of one type."""
        sign, function = _COMPARE[name]
        if one.sure and other.sure and one.kind == other.kind and one.kind in _PLAIN:
            return self.infix(one, sign, other, "bool")
        if one.kind == "any" and other.sure and other.kind in _TYPES:
            return self.guessed(one, sign, other, function)
        return self.apply(function, "bool", one, other)

    def guessed(self, one: Code, sign: str, other: Code, function: Callable[..., Any]) -> Code:
        """Compare a value of any type with one of a known type, which it mostly has too."""
        name, asked = self.parts.temporary(), self.parts.constant(type)
        kind = self.parts.constant(_TYPES[other.kind])
        slow = f"{self.parts.constant(function)}({name}, {other.text})"
        text = (
            f"({name} {sign} {other.text} if {asked}({name} := {one.text}) is {kind} else {slow})"
        )
        cost = one.cost + other.cost + 2
        return Code(text, "bool", False, cost, one.closed and other.closed)

    def arithmetic(self, name: str, ones: list[Code]) -> Code:
        """Arithmetic, with texts joined too. Lists only grow in the library, which counts steps."""
        if any(one.kind in ("list", "texts") for one in ones):
            raise OutsideError("lists put together")
        kinds = {one.kind for one in ones}
        kind = kinds.pop() if len(kinds) == 1 else "any"
        if name == "_+_" and kind == "text" and all(one.sure for one in ones):
            return self.infix(ones[0], "+", ones[1], kind)
        return self.apply(_ARITHMETIC[name], kind, *ones)

    def opposite(self, one: Code) -> Code:
        """`!one`."""
        if one.sure and one.kind == "bool":
            return one._replace(text=f"(not {one.text})")
        return self.apply(values.invert, "bool", one)

    def size(self, one: Code) -> Code:
        """`size(one)`."""
        if one.sure and one.kind in ("text", "texts", "list", "map"):
            return self.apply(len, "int", one, sure=True)
        return self.apply(values.size, "int", one)

    def within(self, one: Code, many: Code, listed: Node) -> Code:
        """`one in many`."""
        if one.sure and many.sure and one.kind == "text" and many.kind in ("texts", "map"):
            if listed.kind == "list" and all(part.kind == "const" for part in listed.parts):
                words = frozenset(part.value for part in listed.parts)
                many = many._replace(text=self.parts.constant(words, words))
            return self.infix(one, "in", many, "bool")
        return self.apply(values.within, "bool", one, many)

    def text(self, name: str, one: Code, other: Code) -> Code:
        """`startsWith`, `endsWith` and `contains`."""
        sure, careful = _TEXTS[name]
        if not (one.sure and other.sure and one.kind == other.kind == "text"):
            return self.apply(careful, "bool", one, other)
        word = self.parts.namespace.get(other.text)
        if name == "contains" and word and one.closed:
            return self.parts.words_in(one, (word,))
        found = self.apply(sure, "bool", one, other, sure=True)
        return self.parts.share(found._replace(cost=SEARCH))

    def matches(self, one: Code, pattern: Node) -> Code:
        """`matches`: words are sought all at once, other patterns by RE2; each at most once."""
        if pattern.kind != "const" or not isinstance(pattern.value, str):
            raise OutsideError("a pattern that is no constant")
        sure = one.sure and one.kind == "text"
        words = plain_words(pattern.value)
        if words and sure and one.closed:
            return self.parts.words_in(one, words)
        search = self.parts.search(pattern.value)
        if not sure:
            found = self.apply(values.finds, "bool", Code(search, "any", sure=True), one)
        else:
            found = Code(f"{search}({one.text})", "bool", sure=True, closed=one.closed)
        return self.parts.share(found._replace(cost=SEARCH))

    def joined(self, name: str, ones: list[Code]) -> Code:
        """`&&` and `||` over all their operands: cheap and sure ones first, the order is free.

        One operand decides (false for `&&`), even among errors; without one, an error is the
        result; so what is asked first changes how long it takes and nothing else.
        """
        sure = sorted((one for one in ones if one.sure and one.kind == "bool"), key=_cost)
        rest = sorted((one for one in ones if not (one.sure and one.kind == "bool")), key=_cost)
        word, decisive = (" and ", "False") if name == "_&&_" else (" or ", "True")
        texts = [one.text for one in sure]
        if len(rest) == 1 and rest[0].kind == "bool":
            texts.append(rest[0].text)
        elif rest:
            texts.append(self.undecided(rest, decisive))
        closed, cost = all(one.closed for one in ones), sum(one.cost for one in ones)
        return Code(f"({word.join(texts)})", "bool", not rest, cost, closed)

    def undecided(self, ones: list[Code], decisive: str) -> str:
        """Join operands that may be errors: the decisive value if one has it, else any error."""
        other = "True" if decisive == "False" else "False"
        names = [self.parts.temporary() for _ in ones]
        asked = " or ".join(
            f"({name} := {one.text}) is {decisive}" for name, one in zip(names, ones, strict=True)
        )
        agreed = " and ".join(f"{name} is {other}" for name in names)
        return f"({decisive} if {asked} else {other} if {agreed} else {self.parts.error})"

    def choice(self, asked: Code, one: Code, other: Code) -> Code:
        """`asked ? one : other`."""
        if one.kind == "map" or other.kind == "map":
            raise OutsideError("choosing a map")
        same = one.kind == other.kind
        kind = one.kind if same else "any"
        cost, closed = (
            asked.cost + one.cost + other.cost,
            all(part.closed for part in (asked, one, other)),
        )
        if asked.sure and asked.kind == "bool":
            text = f"({one.text} if {asked.text} else {other.text})"
            return Code(text, kind, one.sure and other.sure, cost, closed)
        name = self.parts.temporary()
        text = (
            f"({one.text} if ({name} := {asked.text}) is True"
            f" else {other.text} if {name} is False else {self.parts.error})"
        )
        return Code(text, kind, sure=False, cost=cost, closed=closed)

    def as_truth(self, one: Code) -> Code:
        """Return the code such that anything but a truth value is an error."""
        return one if one.kind == "bool" else self.apply(values.truth, "bool", one)

    def loop(self, node: Node) -> Code:
        """`exists`, `all`, `exists_one`, `filter` and `map`, known by their steps."""
        many = self.code(node.parts[0])
        form, *asked = form_of(node)
        if form is None:
            raise OutsideError("a loop of this form")
        if many.kind == "map" and form in (values.kept, values.collected):
            raise OutsideError("a list from the keys of a map")
        if self.inner:
            raise OutsideError("a loop in a loop")
        name = str(node.value)
        # A name that hides a declared one is for the library, which knows which of them is meant.
        if any(name == one.partition(".")[0] for one in self.kinds):
            raise OutsideError(f"a loop variable called {name}")
        kind = "text" if many.kind in ("texts", "map") else "any"
        self.inner[name] = Code("l0", kind, sure=True, closed=False)
        ones = [self.code(part) for part in asked]
        self.inner = {}
        return self.looped(form, many, ones)

    def looped(self, form: Callable[..., Any], many: Code, ones: list[Code]) -> Code:
        """Run `form` over what comes out for each value of `many`."""
        sure = many.sure and many.kind in ("texts", "list", "map")
        kind = "list" if form in (values.kept, values.collected) else "bool"
        asked = ones[:-1] if form is values.collected else ones[:1]
        certain = sure and all(one.sure for one in ones)
        certain = certain and all(one.kind == "bool" for one in asked)
        each = ones[0].text if len(ones) == 1 else f"({ones[0].text}, {ones[1].text})"
        cost = LOOP + many.cost + 3 * sum(one.cost for one in ones)
        quick: dict[Any, Any] = {values.exists: any, values.every: all}
        function = self.parts.constant(quick.get(form, form) if certain else form)
        if sure and many.text.isidentifier():
            text = f"{function}({each} for l0 in {many.text})"
        else:
            over, run = self.parts.constant(values.entries), self.parts.temporary()
            text = (
                f"({self.parts.error} if ({run} := {over}({many.text})) is {self.parts.error}"
                f" else {function}({each} for l0 in {run}))"
            )
        found = Code(text, kind, certain, cost, many.closed)
        return self.parts.share(found) if found.sure and kind == "bool" else found


def flat(name: str, node: Node) -> list[Node]:
    """Return the operands of `&&` or `||`, those of the same operator inside included."""
    if node.kind != "call" or node.value != name:
        return [node]
    return [one for part in node.parts for one in flat(name, part)]


def _cost(code: Code) -> int:
    return code.cost
