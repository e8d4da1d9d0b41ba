"""Codes that change every half minute (RFC 6238: SHA-1, six digits), and how apps learn them."""

import hmac
from base64 import b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

STEP = 30
DIGITS = 6
SECRET_BYTES = 20
# A clock may be wrong by one step either way (RFC 6238, 5.2).
_DRIFT = (0, -1, 1)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step, counted in half minutes since 1970 (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 15
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, code: str, now: datetime, after: int) -> int | None:
    """Return the step whose code this is, when it is later than `after`: each works once."""
    here = int(now.timestamp()) // STEP
    given = code.encode()
    for drift in _DRIFT:
        step = here + drift
        if hmac.compare_digest(code_at(secret, step).encode(), given) and step > after:
            return step
    return None


def spoken(secret: bytes) -> str:
    """Return the secret as a person types it into an app: base 32 in groups of four."""
    text = b32encode(secret).decode().rstrip("=")
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def address(secret: bytes, service: str, name: str) -> str:
    """Return the `otpauth:` address that apps read."""
    label = f"{quote(service, safe='')}:{quote(name, safe='')}"
    secret_text = b32encode(secret).decode().rstrip("=")
    query = urlencode({"secret": secret_text, "issuer": service}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def drawn(text: str) -> str:
    """Return a picture (a `data:` address of an SVG) that a telephone's camera reads as `text`."""
    import segno

    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=4, light="white"))
