"""Coming into force: a draft that was approved, what was before, or the pack of the settings.

Rows of `packs_in_force` are only ever added; the last one is in force in every process.
"""

from openhaven.policy.publishing.force.actions import publish, put_first, roll_back

__all__ = ["publish", "put_first", "roll_back"]
