"""Platforms and their keys: who may send, and where acts go."""

from openhaven.intake.platforms.actions import (
    add_platform,
    create_key,
    revoke_key,
    secret_text,
    set_private_basis,
    set_webhook,
)

__all__ = [
    "add_platform",
    "create_key",
    "revoke_key",
    "secret_text",
    "set_private_basis",
    "set_webhook",
]
