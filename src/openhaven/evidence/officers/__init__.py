"""Officers: named people to whom the key of each item is wrapped, besides the installation.

An officer's secret key is their own, kept off this machine. With it items can be opened when the
installation's secret is lost. Who leaves loses the keys that were wrapped for them, by itself when
their account is disabled, and all others are wrapped anew; what they took along before cannot be
called back, which is why it takes two people to open what matters most.
"""

from openhaven.evidence.officers.actions import add, end_of_left, recover, remove, rewrap

__all__ = ["add", "end_of_left", "recover", "remove", "rewrap"]
