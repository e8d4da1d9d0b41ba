"""Claims: how a page of changes becomes entries of banks.

A source speaks of records; a record has several hashes, and several records may have the same one.
So each record *claims* entries, and an entry that a source brought lives as long as some record
claims it. What people here withdrew stays withdrawn, whatever a source says.
"""

from openhaven.exchange.claims.actions import changes, drop_all, sweep, weigh

__all__ = ["changes", "drop_all", "sweep", "weigh"]
