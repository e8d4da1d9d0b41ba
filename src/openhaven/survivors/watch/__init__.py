"""The watch: a hash that a person made of a picture in their own browser waits in a bank.

The picture never leaves their device. A match only ever asks a person, and a hash that finds what
is not forbidden ends by itself.
"""

from openhaven.survivors.watch.actions import ask_watch, end_stopped, open_tasks

__all__ = ["ask_watch", "end_stopped", "open_tasks"]
