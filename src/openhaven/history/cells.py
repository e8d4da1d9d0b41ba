"""What is kept for one counter and one key, in plain lists and maps that are stored as they are.

Numbers are kept in rings: one number for each step of a window, the newest first. Different things
are kept in a map with the moment when each was seen last. A map that gets too large forgets every
second one of those that stand for the fewest, chosen by their digests, and the others of these then
stand for twice as many: after Wegman's adaptive sampling (P. Flajolet, “On adaptive sampling”,
Computing 34, 1990), in which the standard error is 1.2 / sqrt(256), that is 7.5 %, for the whole
window.

Twice the window is kept, so that what comes late counts with what happened at its time. What comes
later than that counts at the oldest moment kept: never with what happens now, and never not at all.
"""

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
_ROOM = EXACT * 3 // 4


def step_of(at: int, seconds: int) -> int:
    """Return the number of the step in which the moment `at` lies, for a window so long."""
    return at * STEPS // seconds


def add(ring: Ring, step: int, amount: float) -> None:
    """Add to the sum of a step."""
    if not ring:
        ring[:] = [step, amount]
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
    back = min(int(ring[0]) - step, KEPT - 1)
    return sum(ring[1 + max(0, back - STEPS) : max(1, back + STEPS + 2)])


def note(seen: Seen, digest: int, at: int, seconds: int) -> None:
    """Note that something was seen at a moment; forget what no window so long can ask for."""
    if not seen:
        seen[:] = [at, at, 0, {}]
    at = max(at, seen[0] - _kept(seconds))
    entries: dict[int, int] = seen[3]
    known = entries.get(digest)
    if known is not None:
        if known >> _SHIFT >= at:
            return
        seen[2] -= 1 << (known & _POWERS)
        del entries[digest]
    entries[digest] = at << _SHIFT
    seen[2] += 1
    if at < seen[0]:
        _sort(entries)
    seen[0], seen[1] = max(seen[0], at), min(seen[1], at)
    _forget(seen, seen[0] - _kept(seconds))
    if len(entries) > EXACT:
        # Room for what comes late is given up before anything is estimated.
        _forget(seen, seen[0] - seconds + 1)
    if len(entries) > EXACT:
        _thin(seen)


def different(seen: Seen, at: int, seconds: int) -> int:
    """Return how many different things were seen less than a window before a moment, or after it.

    Exact up to 256 of them. For a moment long past, what was seen again since is missing.
    """
    if not seen:
        return 0
    newest, oldest, number, entries = seen
    at = max(at, newest - _kept(seconds))
    if newest - at >= seconds:
        return sum(
            1 << (known & _POWERS)
            for known in entries.values()
            if abs(at - (known >> _SHIFT)) < seconds
        )
    if at - oldest < seconds:
        return int(number)
    gone = 0
    for known in entries.values():
        if at - (known >> _SHIFT) < seconds:
            break
        gone += 1 << (known & _POWERS)
    return int(number - gone)


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
