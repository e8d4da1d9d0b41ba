"""Time is handed in: only the edges of the program ask for it, here."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)
