"""What a signal is and what it answers: the one typed answer of every detector."""

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec

from openhaven.intake.model import Event, MediaFacts

# `pattern` is a sign of behaviour. `noted` is for people to see: no rule can read it.
Opinion = Literal["positive", "investigate", "term", "link", "pattern", "noted"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one signal about one part of an event.

    `subject` says which part: `text`, `link:<place>`, `media:<id>`, or `event` for all of it.
    `value` is the list or bank that it was found in, never the entry. `confidence` is 0 to 1. With
    `unknown` set, the signal could not tell, and the text says why in plain words; the other
    fields then say nothing. `detail` is for reviewers, never for the person concerned.
    """

    signal: str
    version: str
    subject: str
    value: str
    harm: str
    opinion: Opinion
    confidence: float
    unknown: str | None = None
    detail: dict[str, str | int | float] = {}


Media = Mapping[str, MediaFacts]


@runtime_checkable
class Signal(Protocol):
    """A detector, built-in or from the entry-point group `openhaven.signals`.

    `measure` must not write anything, must not go to the network, and answers an empty list when
    there is nothing to say. What it raises becomes the finding *unknown*. It may have an attribute
    `gives` with the kinds of findings that it can give (`terms`, `links`, `banks`): then it is not
    asked about events for which no rule reads any of these.
    """

    @property
    def name(self) -> str:
        """The name of the signal: lower-case words with hyphens, unique in the process."""

    @property
    def version(self) -> str:
        """What changes whenever the same event could get another answer."""

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return the findings about one event; `media` has the facts of every piece it names."""


def unknown(signal: Signal, subject: str, reason: str) -> Finding:
    """Return the finding that `signal` could not tell about `subject`, for this plain reason."""
    return Finding(
        signal=signal.name,
        version=signal.version,
        subject=subject,
        value="",
        harm="other",
        opinion="investigate",
        confidence=0.0,
        unknown=reason,
    )
