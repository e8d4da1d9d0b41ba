"""What a step is for, and what is derived from its secret."""

from typing import Literal

from openhaven.storage import Tx

Kind = Literal["passkey", "add", "confirm", "oidc", "connect", "prove", "password"]


def derived(tx: Tx, secret: str, purpose: str) -> bytes:
    """Return the 32 bytes that the step of this secret has for a purpose."""
    return tx.keys.digest(f"ceremony:{purpose}:{secret}".encode())
