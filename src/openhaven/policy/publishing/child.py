"""Tries one pack in a process of its own: `python -m openhaven.policy.publishing.child FOLDER`.

It prints the `Trial` as JSON and can do nothing else: it has no database, no secrets, and bounds on
time and memory that the kernel holds, so that no draft can stall the service that checks it.
"""

import resource
import sys
import time
from pathlib import Path

import msgspec

from openhaven import __version__
from openhaven.policy.examples import run_examples
from openhaven.policy.folder import fingerprint
from openhaven.policy.includes import read_packs
from openhaven.policy.load import load_texts
from openhaven.policy.measuring import measure_with
from openhaven.policy.places import BrokenPack, PackError
from openhaven.policy.publishing.model import Fault, Trial

_MEMORY = 4_000_000_000


def bound(seconds: int) -> None:
    """Let the kernel end this process after `seconds` of computing, or with too much memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tried(folder: Path) -> Trial:
    """Load and compile the pack in `folder` and run its examples."""
    errors: list[PackError] = []
    texts = read_packs(folder, errors)
    found = Trial(fingerprint=fingerprint(texts), program=__version__, seconds=0, files=texts)
    if errors:
        return msgspec.structs.replace(found, errors=tuple(errors))
    try:
        pack = load_texts(texts)
        examples = run_examples(pack, measure_with(pack))
    except BrokenPack as broken:
        return msgspec.structs.replace(found, errors=broken.errors)
    return msgspec.structs.replace(
        found,
        name=pack.name,
        version=pack.version,
        clauses=len(pack.clauses),
        rules=len(pack.rules),
        examples=len(examples),
        warnings=pack.warnings,
        faults=tuple(
            Fault(one.place.file, one.place.line, one.place.column, one.name, one.fault)
            for one in examples
            if one.fault
        ),
    )


def main(folder: str, seconds: str) -> None:
    """Try the pack and print what came of it."""
    bound(int(seconds))
    result = msgspec.structs.replace(tried(Path(folder)), seconds=round(time.process_time(), 2))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
