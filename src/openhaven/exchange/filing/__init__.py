"""Filing: how a page of changes becomes entries of banks, and what was withdrawn is looked after.

A source speaks of records; a record has several hashes, and several records may have the same one.
So each record *claims* entries, and an entry that a source brought lives as long as some record
claims it. What people here withdrew stays withdrawn, whatever a source says.
"""

from openhaven.exchange.filing import actions as apply
from openhaven.exchange.filing.actions import looked_again, reopen

__all__ = ["apply", "looked_again", "reopen"]
