"""What an event says of who is tied to an account. Pure."""

import msgspec

from openhaven.authorities.network.model import AIMED, CHILDREN, USED, Work
from openhaven.intake import Event

# What the platform says beside an event of where it came from.
_ADDRESS = ("ip", "ip_address")


def address_of(event: Event) -> str:
    """Return the address in the network from which an account was made; else an empty text."""
    if event.kind != "account.create":
        return ""
    return next((str(event.context[name]) for name in _ADDRESS if event.context.get(name)), "")


def links_of(event: Event, private_basis: str | None) -> set[str]:
    """Return the links that an event carries, where there is a ground to look at its content."""
    if event.item is None or not event.may_be_read(private_basis):
        return set()
    return set(event.item.links)


def learn(work: Work, event: Event) -> None:
    """Take from an event of the account itself what others are compared with, and whom it met."""
    if event.device is not None and len(work.devices) < USED:
        work.devices.add(event.device.id)
    if (address := address_of(event)) and len(work.addresses) < USED:
        work.addresses.add(address)
    aimed = event.target.account if event.target else None
    kind = AIMED.get(event.kind)
    if aimed is not None and kind is not None and aimed.id != work.account:
        work.note(aimed.id, kind, event.at)
        if aimed.age_band in CHILDREN:
            work.children.add(aimed.id)


def compare(work: Work, event: Event, private_basis: str | None) -> None:
    """Note what an event of somebody else ties them to the account by, if anything."""
    who = event.account.id
    if who == work.account:
        return
    aimed = event.target.account if event.target else None
    kind = AIMED.get(event.kind)
    if aimed is not None and kind is not None and aimed.id == work.account:
        work.note(who, kind, event.at, back=True)
    if event.device is not None and event.device.id in work.devices:
        work.note(who, "device", event.at, event.device.id)
    if (address := address_of(event)) and address in work.addresses:
        work.note(who, "address", event.at, address)
    for link in links_of(event, private_basis) & work.links:
        work.note(who, "link", event.at, link)


def needles(work: Work) -> tuple[bytes, ...]:
    """Return bytes of which a stored event has one at least, if it can be tied to the account."""
    values = {work.account, *work.devices, *work.addresses, *work.links}
    return tuple(sorted(msgspec.json.encode(value) for value in values))
