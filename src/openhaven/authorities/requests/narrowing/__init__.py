"""Narrowing a request to kinds of data × accounts × a span of time, and asking a second person."""

from openhaven.authorities.requests.narrowing.actions import KIND, ask, follow, narrow

__all__ = ["KIND", "ask", "follow", "narrow"]
