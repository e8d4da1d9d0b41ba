"""What is kept for one counter and one key, in plain lists and maps that are stored as they are.

Numbers are kept in rings: one number for each step of a window, the newest first. Different things
are kept in a map with the moment when each was seen last: in one for all windows of a counter, and
when that gets too large, in one for each. If one of these gets too large, it forgets every second
one of those that stand for the fewest, chosen by their digests, and the others of these then stand
for twice as many: after Wegman's adaptive sampling (P. Flajolet, “On adaptive sampling”, Computing
34, 1990), in which the standard error is 1.2 / sqrt(256), that is 7.5 %, for the whole window.

Twice the window is kept, so that what comes late counts with what happened at its time. What comes
later than that counts at the oldest moment kept: never with what happens now, and never not at all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from openhaven.history.model import EXACT, KEPT, STEPS

Ring = list[float]
"""The number of the newest step, then the sums of this step and of those before it."""
Seen = list[Any]
"""Of different things: the newest moment, one before which none was seen, how many they are, and a
map: digest → when it was seen last, in seconds, times 64, plus the power of two of those that it
stands for. The map is in the order of the moments.
"""
_SHIFT, _POWERS = 6, 63
_SPAN = STEPS + 2
_ROOM = EXACT * 3 // 4


def step_of(at: int, seconds: int) -> int:
    """Return the number of the step in which the moment `at` lies, for a window so long."""
    return at * STEPS // seconds


def add(ring: Ring, step: int, amount: float) -> None:
    """Add to the sum of a step."""
    if not ring:
        ring[:] = [step, amount]
    elif step == ring[0]:
        ring[1] += amount
    elif step > ring[0]:
        ring[1:1] = [amount, *([0] * min(step - int(ring[0]) - 1, KEPT))]
        ring[0] = step
        del ring[KEPT + 1 :]
    else:
        back = min(int(ring[0]) - step, KEPT - 1)
        ring += [0] * (back + 2 - len(ring))
        ring[back + 1] += amount


def total(ring: Ring, step: int) -> float:
    """Return the sum of a step and of the steps of one window before it, and after it.

    After it there is something only for an event that came late.
    """
    if not ring:
        return 0
    if step == ring[0]:
        # Nearly always: the event is the newest one.
        return sum(ring[1:_SPAN])
    back = min(int(ring[0]) - step, KEPT - 1)
    return sum(ring[1 + max(0, back - STEPS) : max(1, back + _SPAN)])


def note(parts: list[Seen], digest: int, at: int, spans: Sequence[int]) -> None:
    """Note that something was seen at a moment, in the one map for all windows or in each of them.

    `spans` are the seconds of the windows, the longest one last; at first `parts` is empty.
    """
    if not parts:
        parts.append([at, at, 1, {digest: at << _SHIFT}])
    elif len(parts) == len(spans):
        for seen, seconds in zip(parts, spans, strict=True):
            _put(seen, digest, at, seconds)
            if len(seen[3]) > EXACT:
                _make_room(seen, seconds)
    else:
        (seen,) = parts
        _put(seen, digest, at, spans[-1])
        if len(seen[3]) > EXACT:
            _forget(seen, seen[0] - spans[-1] + 1)
        if len(seen[3]) > EXACT:
            parts[:] = [_split(seen, seconds) for seconds in spans]


def _put(seen: Seen, digest: int, at: int, seconds: int) -> None:
    """Note what was seen in a map; forget what no window so long can ask for."""
    newest, oldest, _, entries = seen
    if at < newest:
        at = max(at, newest - _kept(seconds))
    known = entries.get(digest)
    if known is not None:
        if known >> _SHIFT >= at:
            return
        seen[2] -= 1 << (known & _POWERS)
        del entries[digest]
    entries[digest] = at << _SHIFT
    seen[2] += 1
    if at < newest:
        _sort(entries)
        seen[1] = min(oldest, at)
    else:
        seen[0] = at
        _forget(seen, at - _kept(seconds))


def _make_room(seen: Seen, seconds: int) -> None:
    # Room for what comes late is given up before anything is estimated.
    _forget(seen, seen[0] - seconds + 1)
    if len(seen[3]) > EXACT:
        _thin(seen)


def _split(shared: Seen, seconds: int) -> Seen:
    """Return the map of one window, made from that of all."""
    newest, oldest, number, entries = shared
    seen = [newest, oldest, number, dict(entries)]
    _forget(seen, newest - _kept(seconds))
    if len(seen[3]) > EXACT:
        _make_room(seen, seconds)
    return seen


def different(seen: Seen, at: int, seconds: int, longest: int) -> int:
    """Return how many different things were seen less than a window before a moment, or after it.

    `longest` is the longest window that the map is for. Exact up to 256 of them. For a moment long
    past, what was seen again since is missing.
    """
    newest, oldest, number, entries = seen
    if at < newest:
        at = max(at, newest - _kept(longest))
    if newest - at < seconds and at - oldest < seconds:
        return int(number)
    if number == len(entries):
        # Each stands for itself, in the order of their moments.
        ordered = list(entries.values())
        first = bisect_right(ordered, (at - seconds) << _SHIFT | _POWERS)
        return bisect_left(ordered, (at + seconds) << _SHIFT) - first
    return sum(
        1 << (known & _POWERS)
        for known in entries.values()
        if abs(at - (known >> _SHIFT)) < seconds
    )


def _kept(seconds: int) -> int:
    return seconds * (KEPT - 1) // STEPS


def _sort(entries: dict[int, int]) -> None:
    ordered = sorted(entries.items(), key=lambda entry: entry[1] >> _SHIFT)
    entries.clear()
    entries.update(ordered)


def _forget(seen: Seen, before: int) -> None:
    """Forget what was seen before a moment: it stands at the front."""
    if seen[1] >= before:
        return
    entries: dict[int, int] = seen[3]
    gone = []
    for digest, known in entries.items():
        if known >> _SHIFT >= before:
            break
        gone.append(digest)
        seen[2] -= 1 << (known & _POWERS)
    for digest in gone:
        del entries[digest]
    seen[1] = before


def _thin(seen: Seen) -> None:
    """Forget about a quarter: of those that stand for the fewest, every second one."""
    entries: dict[int, int] = seen[3]
    while len(entries) > _ROOM:
        power = min(known & _POWERS for known in entries.values())
        for digest in [one for one, known in entries.items() if known & _POWERS == power]:
            if digest >> power & 1:
                del entries[digest]
            else:
                entries[digest] += 1
    seen[2] = sum(1 << (known & _POWERS) for known in entries.values())
