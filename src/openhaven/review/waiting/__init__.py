"""Judgements that wait for a second person before anything follows from them."""

from openhaven.review.waiting.actions import ask_again, go_on, wait

__all__ = ["ask_again", "go_on", "wait"]
