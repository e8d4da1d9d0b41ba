"""What no data, user, carer or operator may lift, in code. Pure.

A floor is the most open value that may hold for a known or probable minor. The data may say less,
never more. Beside them stand the floors of rights: what nobody may take from a child.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from openhaven.core import AgeBand
from openhaven.protections.model import MINORS, SCALES

if TYPE_CHECKING:
    from openhaven.protections.defaults import Cell

# Feature -> the most open value for a known or probable minor. `peers` never includes an adult or
# an account of unknown age, `connections` no stranger at all.
FLOORS: Mapping[str, str] = {
    "ads.profiling": "off",
    "dm.from_non_connections": "peers",
    "calls.from_non_connections": "peers",
    "contact.requests": "peers",
    "group.add_without_consent": "peers",
    "comments.on_child_content": "peers",
    "location.share": "connections",
    "recommender.primary_priority_content": "off",
    "content.primary_priority": "off",
    "nudges_to_weaken_settings": "off",
}
# What holds for an account of unknown age as well.
FOR_UNKNOWN: Mapping[str, str] = {"ads.profiling": "off", "nudges_to_weaken_settings": "off"}
RIGHTS = frozenset(
    {
        "rights.report",
        "rights.block_and_mute",
        "rights.help",
        "rights.appeal",
        "rights.health_information",
        "rights.identity_information",
        "rights.know_of_carers",
        "rights.explanation_of_changes",
    }
)
SOURCES = frozenset({"declared", "estimate", "carer", "proof", "reviewer"})
# Content that is never kept from anybody because of their age.
LAWFUL = frozenset({"health_information", "identity_information"})


def lifted(cells: Mapping[str, "Cell"], band: AgeBand) -> Iterator[str]:
    """Yield a sentence for each floor that these cells would lift for `band`."""
    held = FLOORS if band in MINORS else FOR_UNKNOWN if band == "unknown" else {}
    for name, value in held.items():
        cell = cells.get(name)
        if cell is None:
            yield f"{name} is missing"
        elif cell.ceiling > SCALES[cell.scale].index(value):
            yield f"{name} may not be more open than “{value}”"
