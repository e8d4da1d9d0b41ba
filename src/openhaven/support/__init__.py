"""Where somebody may turn: who helps with what, where, at which age, and how they are reached.

Every service was seen by somebody, by name, on a day. What nobody has seen for half a year is never
shown as a number: the maintained international directories stand in its place, and `find` is never
empty. The search is pure and quick, over a snapshot that each process holds. Nothing is kept of who
asks.
"""

from openhaven.support.actions import Imported, ship, take_in, verify, withdraw
from openhaven.support.adapters import Source, fetch
from openhaven.support.asking import find
from openhaven.support.directory import Directory
from openhaven.support.files import BadFile, read_csv
from openhaven.support.guide import Guide
from openhaven.support.holder import Support
from openhaven.support.jobs import read_directory, read_when_due
from openhaven.support.model import Service, audience
from openhaven.support.places import COUNTRIES, emergency
from openhaven.support.store import directory, kept, one_kept
from openhaven.support.topics import TOPICS
from openhaven.support.words import lines

__all__ = [
    "COUNTRIES",
    "TOPICS",
    "BadFile",
    "Directory",
    "Guide",
    "Imported",
    "Service",
    "Source",
    "Support",
    "audience",
    "directory",
    "emergency",
    "fetch",
    "find",
    "kept",
    "lines",
    "one_kept",
    "read_csv",
    "read_directory",
    "read_when_due",
    "ship",
    "take_in",
    "verify",
    "withdraw",
]
