"""Pieces of generated code, and what the pieces of one function share."""

import re
from typing import Any, NamedTuple

from openhaven.policy import values
from openhaven.policy.search import searching, seeker

CHEAP, CALL, SEARCH, LOOP = 1, 4, 20, 50
"""What a piece of code costs, roughly: an operator, a call, a search in a text, a loop."""
_SHARED = re.compile(r"@(\d+)@")


class Code(NamedTuple):
    """A piece of Python: its text, the type of its value, and what it may cost.

    `sure` promises a value of that type; otherwise it may be ERROR, and of type `any` anything.
    `closed` says that it depends on no variable of a loop.
    """

    text: str
    kind: str
    sure: bool
    cost: int = CHEAP
    closed: bool = True


class Parts:
    """What the expressions of one function share: constants, names, values needed twice."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__builtins__": {}}
        self._constants: dict[tuple[type, Any], str] = {}
        self._shared: dict[str, int] = {}
        self._texts: list[str] = []
        self._uses: list[int] = []
        self._words: dict[str, dict[str, None]] = {}
        self._patterns: dict[str, str] = {}
        self._temporaries = 0
        self.error = self.constant(values.ERROR)
        self.unset = self.constant(object())

    def constant(self, value: Any, key: Any = None) -> str:
        """Return the name that stands for `value`; equal values (by `key`) share one."""
        found = (type(value), _hashable(value) if key is None else key)
        if found not in self._constants:
            name = f"k{len(self._constants)}"
            self._constants[found] = name
            self.namespace[name] = value
        return self._constants[found]

    def temporary(self) -> str:
        """Return a fresh name."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def forget(self) -> None:
        """Let a condition use the fresh names of the one before it again."""
        self._temporaries = 0

    def share(self, code: Code) -> Code:
        """Return code that works out `code` at most once in a function, when first needed.

        Code with fresh names stays where it is, since other conditions use the same names.
        """
        if not code.closed or ":=" in code.text:
            return code
        if code.text not in self._shared:
            self._shared[code.text] = len(self._texts)
            self._texts.append(code.text)
            self._uses.append(0)
        place = self._shared[code.text]
        self._uses[place] += 1
        return code._replace(text=f"@{place}@")

    def words_in(self, subject: Code, words: tuple[str, ...]) -> Code:
        """Return code that says whether one of `words` stands in the text `subject`."""
        known = self._words.setdefault(subject.text, {})
        known.update(dict.fromkeys(words))
        scan = f"w{list(self._words).index(subject.text)}"
        seen = self.share(Code(f"{scan}({subject.text})", "any", sure=True))
        apart = self.constant(frozenset(words).isdisjoint, frozenset(words))
        return Code(f"(not {apart}({seen.text}))", "bool", sure=True, cost=CALL)

    def search(self, pattern: str) -> str:
        """Return the name of what seeks an RE2 pattern; made once for equal patterns."""
        if pattern not in self._patterns:
            self._patterns[pattern] = self.constant(searching(pattern))
        return self._patterns[pattern]

    def close(self) -> dict[str, Any]:
        """Return the namespace when all code is there: all words of one text are sought at once."""
        for place, words in enumerate(self._words.values()):
            self.namespace[f"w{place}"] = seeker(tuple(words))
        return self.namespace

    def finish(self, text: str) -> str:
        """Return the final text of code: what is used twice is kept in a name."""
        return _SHARED.sub(self._once, text)

    def _once(self, found: re.Match[str]) -> str:
        place = int(found[1])
        text = _SHARED.sub(self._once, self._texts[place])
        if self._uses[place] == 1:
            return text
        return f"(m{place} if m{place} is not {self.unset} else (m{place} := {text}))"

    def memory(self) -> list[str]:
        """Return the names that a function must set to `unset` before it begins."""
        return [f"m{place}" for place, uses in enumerate(self._uses) if uses > 1]


def _hashable(value: Any) -> Any:
    # NaN and -0.0 are not what they compare equal to; nor is 1 the same constant as 1.0.
    return repr(value) if isinstance(value, float | list) else value
