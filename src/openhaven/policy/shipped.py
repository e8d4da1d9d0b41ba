"""Packs that come with the system or with an installed package, found by name.

The entry-point group is `openhaven.packs`: a name and a Python package whose folder is the pack.
"""

import importlib.util
from importlib.metadata import entry_points
from pathlib import Path

from openhaven.core import Problem
from openhaven.policy.places import did_you_mean

GROUP = "openhaven.packs"


def shipped() -> dict[str, Path]:
    """Return the folders of all packs that are installed, by name."""
    found: dict[str, Path] = {}
    for point in entry_points(group=GROUP):
        spec = importlib.util.find_spec(point.value)
        if spec is not None and spec.origin is not None:
            found[point.name] = Path(spec.origin).parent
    return dict(sorted(found.items()))


def find_pack(name: str | Path) -> Path:
    """Return the folder of a pack given as a folder or by the name of an installed one.

    Raises `Problem` (`pack.missing`) when there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    packs = shipped()
    if str(name) not in packs:
        raise Problem(
            "pack.missing",
            f"There is no pack “{name}”.",
            did_you_mean(str(name), packs).strip(),
            status=404,
            next_step="Give the folder of a pack, or one of: " + ", ".join(packs),
        )
    return packs[str(name)]
