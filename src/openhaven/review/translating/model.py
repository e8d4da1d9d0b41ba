"""What a service that translates is asked, and what came of it."""

from collections.abc import Callable, Mapping

import msgspec

# Characters, of what is sent and of what comes back.
LONGEST = 20_000
# Takes an address, headers and a body; returns the body of a good answer, raises `Problem` else.
Send = Callable[[str, Mapping[str, str], bytes], bytes]


class Asked(msgspec.Struct, frozen=True):
    """What is to be translated (`source` is a language or empty), for whom, and how to ask."""

    text: str
    source: str
    target: str
    url: str
    key: str
    send: Send


class Translated(msgspec.Struct, frozen=True):
    """A translation, or (where `text` is None) why there is none."""

    text: str | None
    why: str = ""
