"""What we did, counted in public: by clause, outcome, automation, week; reports and appeals.

Everything here is read from the line and nothing is ever written back. Small numbers, behind which
single people could be guessed, are withheld, together with those from which they could be worked
out.
"""

from openhaven.transparency.model import Figures, Row, Table, withhold
from openhaven.transparency.store import figures

__all__ = ["Figures", "Row", "Table", "figures", "withhold"]
