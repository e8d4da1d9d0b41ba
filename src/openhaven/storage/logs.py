"""Logs: one JSON object a line, on standard error, with ids and never with content."""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure_logs() -> None:
    """Make every log line of this process, ours and the libraries', one JSON object."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            where_it_failed,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def where_it_failed(
    logger: Any, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places it passed.

    Neither its message nor local variables are written: both may hold what somebody wrote.
    """
    del logger, name
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event.update(_failure(error))
    return event


def _failure(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "at": places}


class _Lines(logging.Formatter):
    """Lines of libraries: their level and name, and of an exception only where it happened."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        said = {"message": record.getMessage()} if error is None else _failure(error)
        return json.dumps({"level": record.levelname.lower(), "logger": record.name} | said)
