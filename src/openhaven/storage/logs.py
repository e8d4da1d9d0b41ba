"""Logs: one JSON object a line, on standard error, with ids and never with content."""

import logging
import sys

import structlog


def configure_logs() -> None:
    """Make every log line of this process, ours and the libraries', one JSON object."""
    shared = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.dict_tracebacks,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True,
                        format='{"level": "%(levelname)s", "logger": "%(name)s", "message": "%(message)s"}')  # noqa: E501  # fmt: skip
