"""Reports that a person hands in: the register of the United Kingdom's NCA, and hotlines.

The NCA takes reports through its portal or an interface that is not public, so that a sheet is made
with the fields of its register, which a specialist enters there; the reference that comes back ends
the duty. Hotlines (members of INHOPE) are sent a letter with as little as they need: never a
picture, and nobody's name.
"""

from openhaven.authorities.nca.actions import hand_in
from openhaven.authorities.nca.jobs import send_letters
from openhaven.authorities.nca.model import PRIORITIES, Row, Section, Sheet
from openhaven.authorities.nca.store import sheet_of
from openhaven.authorities.nca.writing import letter, sheet, text

__all__ = [
    "PRIORITIES",
    "Row",
    "Section",
    "Sheet",
    "hand_in",
    "letter",
    "send_letters",
    "sheet",
    "sheet_of",
    "text",
]
