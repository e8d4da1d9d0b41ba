"""What is kept for one counter and one key, in plain lists and maps that are stored as they are.

Numbers are kept in rings: one number for each step of a window, the newest first. Different things
are kept in a map with the moment when each was seen last. A map that gets too large forgets every
second one of those that stand for the fewest, chosen by their digests, and the others of these then
stand for twice as many: after Wegman's adaptive sampling (P. Flajolet, “On adaptive sampling”,
Computing 34, 1990), in which the standard error is 1.2 / sqrt(256), that is 7.5 %, for the whole
window.
"""

from openhaven.history.model import EXACT, KEPT, STEPS

Ring = list[float]
"""The number of the newest step, then the sums of this step and of those before it."""
Seen = dict[int, list[int]]
"""Digest → when it was seen last (seconds), and the power of two of those that it stands for."""
_ROOM = EXACT * 3 // 4


def step_of(at: int, seconds: int) -> int:
    """Return the number of the step in which the moment `at` lies, for a window so long."""
    return at * STEPS // seconds


def add(ring: Ring, step: int, amount: float) -> None:
    """Add to the sum of a step; one that is older than what is kept is passed over."""
    if not ring:
        ring[:] = [step, amount]
    elif step > ring[0]:
        ring[1:1] = [amount, *([0] * min(step - int(ring[0]) - 1, KEPT))]
        ring[0] = step
        del ring[KEPT + 1 :]
    elif (back := int(ring[0]) - step) < KEPT:
        ring += [0] * (back + 2 - len(ring))
        ring[back + 1] += amount


def total(ring: Ring, step: int) -> float:
    """Return the sum of a step and of the steps of one window before it, and after it.

    After it there is something only for an event that came late.
    """
    if not ring:
        return 0
    back = int(ring[0]) - step
    return sum(ring[1 + max(0, back - STEPS) : max(1, back + STEPS + 2)])


def note(seen: Seen, digest: int, at: int, seconds: int) -> None:
    """Note that something was seen at a moment; forget what no window so long can ask for."""
    known = seen.get(digest)
    if known is None or known[0] < at:
        seen[digest] = [at, 0]
    if len(seen) > EXACT:
        _forget(seen, seconds)


def different(seen: Seen, at: int, seconds: int) -> int:
    """Return how many different things were seen less than a window before a moment, or after it.

    Exact up to 256 of them. For a moment long past, what was seen again since is missing.
    """
    return sum(1 << power for last, power in seen.values() if -seconds < at - last < seconds)


def _forget(seen: Seen, seconds: int) -> None:
    oldest = max(last for last, _ in seen.values()) - seconds * KEPT // STEPS
    for digest in [one for one, (last, _) in seen.items() if last < oldest]:
        del seen[digest]
    while len(seen) > EXACT:
        _thin(seen)


def _thin(seen: Seen) -> None:
    """Forget about a quarter: of those that stand for the fewest, every second one."""
    while len(seen) > _ROOM:
        power = min(power for _, power in seen.values())
        for digest in [one for one, known in seen.items() if known[1] == power]:
            if digest >> power & 1:
                del seen[digest]
            else:
                seen[digest][1] = power + 1
