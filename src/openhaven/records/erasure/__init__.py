"""Erasure: a person who asks is forgotten, and every proof stays valid."""

from openhaven.records.erasure.actions import erase

__all__ = ["erase"]
