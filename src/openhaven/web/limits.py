"""Limits that keep one client from taking the place of all others."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from openhaven.core.words import mark
from openhaven.web.call import Refusal

_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `burst` calls at once, and one more every `every` seconds."""

    burst: int
    every: float


# People fill in forms by hand: nobody sends ten reports a minute.
RATES: dict[str, Rate] = {
    "sign-in": Rate(10, 6.0),
    # Nothing can be guessed there, and a whole shift signs in at once from one address.
    "passkey": Rate(60, 1.0),
    "report": Rate(10, 30.0),
    "appeal": Rate(10, 30.0),
    "survivor": Rate(20, 15.0),
    # An office that asks a lot sends a letter for each matter, and no hundred of them.
    "authority": Rate(10, 60.0),
    # A search box asks for every query, and many people may share one address.
    "support": Rate(200, 0.05),
}


class Buckets:
    """Token buckets by name and client, in this process; the longest unused are forgotten first."""

    def __init__(self, rates: dict[str, Rate] | None = None) -> None:
        self._rates = RATES if rates is None else rates
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, client: str, now: float | None = None) -> None:
        """Take one token for `client`; `now` is in seconds of a clock that never goes back.

        Raises `Refusal` (429 with `Retry-After`) when there is none.
        """
        rate = self._rates[name]
        moment = time.monotonic() if now is None else now
        key = (name, neighbourhood(client))
        with self._lock:
            # The bucket is stored as the moment when it will be full again.
            full_at = max(self._full_at.get(key, 0.0), moment) + rate.every
            wait = full_at - moment - rate.burst * rate.every
            if wait <= 0:
                self._full_at[key] = full_at
                self._full_at.move_to_end(key)
                if len(self._full_at) > _KNOWN:
                    self._full_at.popitem(last=False)
        if wait > 0:
            raise _too_often(wait)


def neighbourhood(client: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 one."""
    return _network(client, 8)


def site(client: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /48 network of an IPv6 one.

    For limits of a day. One line is often given a whole /48, with 65,536 of the smaller networks.
    """
    return _network(client, 6)


def _network(client: str, kept: int) -> str:
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return address.packed[:kept].hex()


class Room:
    """How many bytes of bodies are in memory at once, over all requests."""

    def __init__(self, total: int) -> None:
        self._free = total

    def take(self, size: int) -> None:
        """Take `size` bytes; raises `Refusal` (503) when there is no room."""
        if size > self._free:
            raise Refusal("server.full", mark("The server holds too much at once."), status=503,
                          next_step=mark("Send it again in a moment."),
                          headers={"retry-after": "2"})  # fmt: skip
        self._free -= size

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self._free += size


def _too_often(wait: float) -> Refusal:
    seconds = int(wait) + 1
    return Refusal("calls.too_many", mark("That was sent too often."), status=429,
                   next_step=mark("Try again in {seconds} seconds."), values={"seconds": seconds},
                   headers={"retry-after": str(seconds)})  # fmt: skip
