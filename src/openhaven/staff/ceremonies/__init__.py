"""A step that is begun, and ended once within minutes: a challenge, another service's word.

Who begins gets a secret. Everything the step needs is derived from it with the house's key, so that
only a digest is stored, and a copy of the database can end nothing.
"""

from openhaven.staff.ceremonies.actions import LIFE, begin, use
from openhaven.staff.ceremonies.model import Kind, derived

__all__ = ["LIFE", "Kind", "begin", "derived", "use"]
