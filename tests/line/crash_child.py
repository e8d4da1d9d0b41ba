"""Run `openhaven VERB`, but be killed by SIGKILL at one hand-over of the line.

Arguments: the verb, a function as `module:name` (or `module:Class.name`), `before` or `after`, and
at which call. Everything that runs is the real program; only the moment of death is chosen.
"""

import itertools
import os
import signal
import sys
from importlib import import_module
from typing import Any


def arm(target: str, when: str, nth: int) -> None:
    module_name, _, path = target.partition(":")
    owner: Any = import_module(module_name)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    real = getattr(owner, name)
    # Several threads may pass at once: each gets a number of its own.
    numbers = itertools.count(1)

    def dying(*args: Any, **kwargs: Any) -> Any:
        number = next(numbers)
        if when == "before" and number == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if when == "after" and number == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


if __name__ == "__main__":
    verb, target, when, nth = sys.argv[1:5]
    arm(target, when, int(nth))
    sys.argv = ["openhaven", verb]
    from openhaven.cli import main

    main()
