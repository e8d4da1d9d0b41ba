"""Reopening: what was decided before is put before a person again, another one than before."""

from openhaven.review.reopening.actions import reopen_task

__all__ = ["reopen_task"]
