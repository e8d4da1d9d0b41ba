"""Signals that no rule needs for an event are not asked, and that changes no verdict."""

from functools import cache

import pytest

from openhaven import signals
from openhaven.intake.model import Event, MediaFacts
from openhaven.policy import Pack, find_pack, load
from openhaven.policy.examples import _counted, _event, _files, _read, _supposed
from openhaven.policy.shipped import shipped
from openhaven.signals.model import Finding, Signal


@cache
def pack_named(name: str) -> Pack:
    return load(find_pack(name))


class Failing:
    """A signal that cannot tell, in the place of a real one."""

    def __init__(self, real: Signal) -> None:
        self.name, self.version, self.gives = real.name, real.version, real.gives  # type: ignore[attr-defined]

    def measure(self, event: Event, media: object) -> list[Finding]:
        raise RuntimeError


@pytest.mark.parametrize("broken", ["", "terms", "links", "media"])
@pytest.mark.parametrize("name", sorted(shipped()))
def test_verdicts_of_shipped_packs_are_the_same_without_what_is_not_needed(
    name: str, broken: str
) -> None:
    pack = pack_named(name)
    real = signals.load(signals.Tools(signals.Banks(), pack.term_lists, pack.link_lists))
    asked = [Failing(one) if one.name == broken else one for one in real]
    saved = 0
    for _, examples in (_read(pack, file) for file in _files(pack)):
        for example in examples:
            event = _event(example.event)
            refs = event.item.media if event.item else ()
            media = {one.id: MediaFacts(id=one.id, sha256=bytes(32), md5=bytes(16),
                                        type="image/png") for one in refs}  # fmt: skip
            past = _counted(pack, example, event)
            needed = pack.needs(event)
            verdicts = []
            for needs in (None, [needed]):
                found = signals.measure([event], media, asked, deadline_s=10.0, needed=needs)[0]
                verdicts.append(pack.evaluate(event, [*found, *_supposed(example)], past))
            assert verdicts[0] == verdicts[1]
            saved += not needed
    if name == "starter":
        assert saved


def test_what_is_not_needed_is_not_unknown_either() -> None:
    class Breaking:
        name, version, gives = "breaking", "1", frozenset({"terms"})

        def measure(self, event: Event, media: object) -> list[Finding]:
            raise RuntimeError

    events = [_event({"kind": "post.create"}, f"e{n}") for n in range(3)]
    needed = [frozenset({"terms"}), frozenset({"banks"}), frozenset[str]()]
    found = signals.measure(events, {}, [Breaking()], needed=needed)
    assert [[one.unknown for one in answer] for answer in found] == [["the signal failed"], [], []]
