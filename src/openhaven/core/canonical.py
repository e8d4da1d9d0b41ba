"""One canonical form of a value, so that equal values have equal bytes (after RFC 8785)."""

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string", uuid_format="hex")


def canonical(value: Any) -> bytes:
    """Return `value` as JSON with sorted keys and no spaces.

    Datetimes become RFC 3339 text, bytes base64. Numbers keep the shortest form that reads back.
    """
    return _ENCODER.encode(value)
