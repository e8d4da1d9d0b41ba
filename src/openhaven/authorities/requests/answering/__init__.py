"""Answering a request: a packet of what was agreed on, sealed to the authority's key."""

from openhaven.authorities.requests.answering.actions import Says, fetched, packet_of, produce

__all__ = ["Says", "fetched", "packet_of", "produce"]
