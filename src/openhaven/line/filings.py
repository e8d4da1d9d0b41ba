"""Reports to authorities on the line: sent, and staff is called when one needs somebody."""

from openhaven import authorities, survivors
from openhaven.authorities import nca, network
from openhaven.core import system
from openhaven.line.haven import Haven

ME = system("filings")


def send(haven: Haven) -> int:
    """Carry on the reports to authorities that are due, and the letters to hotlines."""
    sent = authorities.send(haven.db, haven.http, haven.vault, haven.settings.authorities)
    return sent + nca.send_letters(haven.db, haven.settings)


def look(haven: Haven) -> int:
    """Go on with looking for who is tied to a case; return whether there is more to do."""
    return network.tend(haven.db)


def watch(haven: Haven) -> int:
    """End duties that were agreed on, compare the schema nightly, call staff when it is time."""
    authorities.settle(haven.db)
    authorities.compare_schema(haven.db, haven.http, haven.settings.authorities)
    with haven.db.begin(ME) as tx:
        for kind, about in authorities.note_calls(tx):
            survivors.call_staff(tx, kind, about)
    return 0
